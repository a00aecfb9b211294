"""The place that the packages of an app come from."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from functune.errors import UsageError
from functune.packages.app_packages import PackageSource, find_app_packages
from functune.packages.missing_package import missing_package_help
from tests.packages.places import LIBRARY, PACKAGE_FOLDER, make_environment, write_packages

OLD = {"executable": "", "version": [3, 12, 1], "abi": "", "prefix": "", "library": "", "site_packages": []}
OWN = Path(sys.prefix).resolve()


@pytest.fixture(autouse=True)
def _no_environment_is_activated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)


def test_first_place_that_is_there_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = tmp_path / "app"
    named, activated = make_environment(tmp_path / "named"), make_environment(tmp_path / "activated")
    (app / PACKAGE_FOLDER).mkdir(parents=True)
    own = [make_environment(app / name) for name in (".venv", "venv")]
    monkeypatch.setenv("VIRTUAL_ENV", str(activated))

    assert find_app_packages(app, python=f"{named}/bin/python").folders == (app / PACKAGE_FOLDER,)
    shutil.rmtree(app / ".python_packages")
    assert find_app_packages(app, python=f"{named}/bin/python").folders == (named / LIBRARY,)
    for place in (activated, *own):
        found = find_app_packages(app)
        assert (found.source, found.python, found.folders) == (
            *(PackageSource.ENVIRONMENT, place / "bin" / "python", (place / LIBRARY,)),
        )
        shutil.rmtree(place)
    assert find_app_packages(app).source is PackageSource.NONE


def test_activated_environment_of_functune_is_not_the_apps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIRTUAL_ENV", sys.prefix)
    found = find_app_packages(tmp_path)
    assert found.source is PackageSource.NONE
    assert f"VIRTUAL_ENV, {sys.prefix}: the environment of functune, whose packages are not the app's" in found.looked


@pytest.mark.parametrize("python", [None, sys.executable])
def test_environment_of_functune_is_shared_when_it_is_chosen(tmp_path: Path, python: str | None) -> None:
    """It is chosen by standing in the app's folder, or by --python."""
    if python is None:
        (tmp_path / ".venv").symlink_to(sys.prefix)
    assert find_app_packages(tmp_path, python=python).source is PackageSource.SHARED


def test_environment_of_another_python_is_passed_over_and_named(tmp_path: Path) -> None:
    environment = make_environment(tmp_path / ".venv")
    (environment / LIBRARY).parent.rename(environment / "lib" / "python3.99")
    found = find_app_packages(tmp_path)
    assert found.source is PackageSource.NONE
    [said] = [line for line in found.looked if line.startswith(f"{environment}: ")]
    assert f"it is for python3.99, the workers run python3.{sys.version_info.minor}; --python {environment}" in said


def test_python_is_taken_from_the_path_and_through_a_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As pyenv has its interpreters on the PATH."""
    environment = make_environment(tmp_path / "named")
    script = tmp_path / "some-python"
    script.write_text(f'#!/bin/sh\nexec "{environment}/bin/python" "$@"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert find_app_packages(tmp_path, python="some-python").python == environment / "bin" / "python"


def test_environment_without_its_interpreter_is_passed_over(tmp_path: Path) -> None:
    environment = make_environment(tmp_path / "venv")
    (environment / "bin" / "python").unlink()
    [said] = [line for line in find_app_packages(tmp_path).looked if line.startswith(f"{environment}: ")]
    assert "interpreter" in said
    assert "is missing; make the environment again" in said


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (None, "there is no such program; it takes the path of a Python interpreter"),
        ("exit 3", "does not run as a Python interpreter: .* returned non-zero exit status 3"),
        ("echo hello", "does not run as a Python interpreter"),
        (
            f"echo '{json.dumps(OLD)}'",
            r"it is Python 3\.12\.1; Microsoft's worker runtime needs Python 3\.13 or later",
        ),
    ],
)
def test_python_that_cannot_run_the_workers_is_refused(tmp_path: Path, answer: str | None, cause: str) -> None:
    program = tmp_path / "python"
    if answer is not None:
        program.write_text(f"#!/bin/sh\n{answer}\n")
        program.chmod(0o755)
    with pytest.raises(UsageError, match=f"^--python {program}: .*{cause}"):
        find_app_packages(tmp_path, python=str(program))


def test_help_names_the_command_for_the_place(tmp_path: Path) -> None:
    requirements = tmp_path / "requirements.txt"
    install = f"functune serve --script-root {tmp_path} --install"
    assert missing_package_help(find_app_packages(tmp_path))[-1].endswith(
        f"which does not exist: name the package there, then run: {install}"
    )
    requirements.write_text("flask\n")
    assert f"run: {install}, or name an interpreter" in missing_package_help(find_app_packages(tmp_path))[-1]
    environment = make_environment(tmp_path / ".venv")
    assert (
        f"run: uv pip install --python {environment}/bin/python -r {requirements}."
        in missing_package_help(find_app_packages(tmp_path))[-1]
    )
    write_packages(environment / LIBRARY, "pip")
    assert (
        f"run: {environment}/bin/python -m pip install -r {requirements}."
        in missing_package_help(find_app_packages(tmp_path))[-1]
    )
    (tmp_path / PACKAGE_FOLDER).mkdir(parents=True)
    assert (
        f"-m pip install --target {tmp_path / PACKAGE_FOLDER} -r {requirements}."
        in missing_package_help(find_app_packages(tmp_path))[-1]
    )
    shared = missing_package_help(find_app_packages(OWN / "nowhere", python=sys.executable))
    assert f"  {OWN}: the environment of functune, of whose packages there is no " in shared[-2]
