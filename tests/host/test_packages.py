"""What the workers of a real ``functune serve`` can import, and in which order."""

import importlib.metadata
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.host.loading import load_failure
from tests.host.serving import APPS, Serving
from tests.packages.places import LIBRARY, PACKAGE_FOLDER, copied_app, make_environment, write_packages

OWN_NAMES = ("functune", "msgspec", "flask", "numpy", "requests", "httpx", "click", "locust", "packaging", "pytest")
"""Modules of this environment that no worker may import, though the host or the tests do."""


def modules(host: Serving, *names: str) -> dict[str, str | None]:
    """The places of modules in the worker; None for those that it cannot import."""
    found: dict[str, str | None] = host.get("/api/modules?" + "&".join(f"{name}=1" for name in names)).json()
    return found


@pytest.fixture(scope="module")
def bare() -> Iterator[Serving]:
    """An app without packages, in a shell that has this environment, a PYTHONPATH and a key."""
    environ = {"VIRTUAL_ENV": sys.prefix, "PYTHONPATH": str(APPS), "FUNCTUNE_KEY": "secret"}
    with Serving(APPS / "imports", **environ) as host:
        yield host.ready()


def test_packages_of_functune_cannot_be_imported(bare: Serving) -> None:
    assert modules(bare, *OWN_NAMES) == dict.fromkeys(OWN_NAMES)


def test_worker_offers_what_the_real_one_offers(bare: Serving) -> None:
    offered = modules(bare, "azure.functions", "azure_functions_runtime", "azurefunctions.extensions.base", "uvloop")
    assert None not in offered.values()
    assert modules(bare, "azure.identity", "azure.core") == {"azure.identity": None, "azure.core": None}
    versions = bare.get("/api/versions?azure.functions=1").json()
    assert versions == {"azure.functions": importlib.metadata.version("azure-functions")}


def test_worker_gets_neither_pythonpath_nor_the_key_of_a_url(bare: Serving) -> None:
    told = bare.get("/api/interpreter").json()
    assert (told["PYTHONPATH"], told["FUNCTUNE_KEY"]) == (None, None)
    assert str(APPS) not in told["path"]
    assert told["path"][-1] == str(APPS / "imports")
    assert not [path for path in told["path"] if path.startswith(sys.prefix)]


def test_order_is_that_of_the_real_worker(tmp_path: Path) -> None:
    """The app's packages, those of the worker, the standard library, and the app's own folder last."""
    app = copied_app(tmp_path)
    packages = write_packages(app / PACKAGE_FOLDER, "msgspec", "uvloop", "colorsys", "azure_functions_runtime")
    write_packages(app, "functune", "markupsafe", "statistics", "msgspec")
    with Serving(app, "--verbose") as host:
        host.ready()
        host.line(f"The workers run /.*/bin/python; package folders of the app: {packages}$")
        names = ("msgspec", "uvloop", "colorsys", "azure_functions_runtime", "functune", "markupsafe", "statistics")
        found = modules(host, *names)
        told = host.get("/api/interpreter").json()
        assert host.get("/api/child?name=colorsys").text == "0"
    own = {name for name, place in found.items() if place == str(packages / name / "__init__.py")}
    assert own == {"msgspec", "uvloop", "colorsys"}
    assert found["functune"] == str(app / "functune" / "__init__.py")
    assert found["markupsafe"] != str(app / "markupsafe" / "__init__.py"), "the worker's comes before the app's folder"
    assert found["statistics"] == str(Path(os.__file__).parent / "statistics.py")
    assert told["path"][0] == str(packages)
    assert told["path"][-1] == str(app)
    assert told["PYTHONPATH"] == os.pathsep.join(told["path"][:2]), "as worker.py of the platform sets it"


@pytest.mark.parametrize("place", [".venv", "named"])
def test_workers_run_in_the_environment_of_the_app(tmp_path: Path, place: str) -> None:
    app = copied_app(tmp_path / "app")
    environment = make_environment((app if place == ".venv" else tmp_path) / place, "theirs")
    flags = ["--python", f"{environment}/bin/python"] if place == "named" else []
    with Serving(app, *flags, VIRTUAL_ENV="") as host:
        host.ready()
        theirs = str(environment / LIBRARY / "theirs" / "__init__.py")
        assert modules(host, "theirs", "httpx", "functune") == {"theirs": theirs, "httpx": None, "functune": None}
        assert host.get("/api/child?name=theirs").text == "0"
        assert host.get("/api/interpreter").json()["prefix"] == str(environment)


def test_app_in_the_environment_of_functune_gets_what_its_requirements_name(tmp_path: Path) -> None:
    app = copied_app(tmp_path)
    (app / ".venv").symlink_to(sys.prefix)
    (app / "requirements.txt").write_text("azure-functions\nhttpx\n")
    with Serving(app) as host:
        host.ready()
        found = modules(host, "httpx", "idna", "click", "locust", "numpy", "functune", "azure.identity")
        versions = host.get("/api/versions?httpx=1").json()
    assert {name for name, place in found.items() if place} == {"httpx", "idna"}
    assert versions == {"httpx": importlib.metadata.version("httpx")}


def test_missing_package_says_where_it_was_looked_for_and_what_helps(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("azure-functions\n")
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    (tmp_path / "function_app.py").write_text("import azure.functions\nimport flask\n")
    with Serving(tmp_path, VIRTUAL_ENV=sys.prefix) as host:
        assert host.ended() == 1
        assert host.lines[0] == (
            f"functune: the app in {tmp_path} cannot be loaded: ModuleNotFoundError: No module named 'flask'"
        )
        assert host.lines[1] == f'  File "{tmp_path}/function_app.py", line 2, in <module>'
        assert (
            f"  VIRTUAL_ENV, {sys.prefix}: the environment of functune, whose packages are not the app's" in host.lines
        )
        assert f"run: functune serve --script-root {tmp_path} --install, or name" in host.lines[-1]
        assert "Current sys.path" not in host.text


async def test_package_that_breaks_the_runtime_is_the_cause_that_is_named(tmp_path: Path) -> None:
    """The worker's azure-functions needs werkzeug, and the app's comes first, as on the platform."""
    write_packages(copied_app(tmp_path) / PACKAGE_FOLDER, "werkzeug")
    first = (await load_failure(tmp_path)).splitlines()[0]
    assert "cannot be loaded: ModuleNotFoundError: No module named 'werkzeug.datastructures'" in first


def test_wrong_python_is_a_usage_error(tmp_path: Path) -> None:
    with Serving(tmp_path, "--python", "/nowhere/python") as host:
        assert host.ended() == 2
        assert host.text.startswith("functune: --python /nowhere/python: there is no such program")
