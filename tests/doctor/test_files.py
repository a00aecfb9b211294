"""The rules for files: what is missing, refused, or not needed."""

from pathlib import Path

import pytest

from functune.doctor.reading.inspected import inspect_app
from functune.errors import UsageError
from tests.doctor.written_apps import HEAD, found_in, write_files

QUEUE = f'{HEAD}\n@app.queue_trigger(arg_name="m", queue_name="q", connection="C")\ndef work(m):\n    pass\n'


def test_host_json_that_is_missing(tmp_path: Path) -> None:
    folder = write_files(tmp_path, {})
    assert found_in(folder, "host-json-missing") == []
    (folder / "host.json").unlink()
    (found,) = found_in(folder, "host-json-missing")
    assert (found.severity, found.file, found.line) == ("warning", "host.json", None)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{\n  "version": "2.0",\n  "extensions": {\n    "http": {"maxConcurrentRequests": 0}\n  }\n}', 4),
        ('{\n  "version": "3.0"\n}', 2),
        ('{\n  "version": "2.0"\n  "functionTimeout": "00:10:00"\n}', 3),
    ],
)
def test_host_json_that_the_host_refuses_names_the_line(tmp_path: Path, text: str, line: int) -> None:
    (found,) = found_in(write_files(tmp_path, {"host.json": text}), "host-json-refused")
    assert found.line == line
    assert str(tmp_path) not in found.seen


def test_extension_bundle_is_needed_by_bindings_alone(tmp_path: Path) -> None:
    bundle = '{"version": "2.0", "extensionBundle": {"id": "Microsoft.Azure.Functions.ExtensionBundle"}}'
    timer = f'{HEAD}\n@app.timer_trigger(arg_name="t", schedule="0 * * * * *")\ndef tick(t):\n    pass\n'
    own = {"function_app.py": QUEUE, "extensions.csproj": "<Project/>"}
    assert len(found_in(write_files(tmp_path / "queue", {"function_app.py": QUEUE}), "extension-bundle")) == 1
    for name, files in {
        "timer": {"function_app.py": timer},
        "bundle": {"function_app.py": QUEUE, "host.json": bundle},
        "own": own,
    }.items():
        assert found_in(write_files(tmp_path / name, files), "extension-bundle") == [], name


def test_local_settings_that_are_encrypted(tmp_path: Path) -> None:
    settings = '{"IsEncrypted": true, "Values": {"ORDERS_KEY": "CfDJ8"}}'
    (found,) = found_in(write_files(tmp_path, {"local.settings.json": settings}), "local-settings")
    assert "func settings decrypt" in found.seen
    assert "CfDJ8" not in str(found)


def test_requirements_that_are_missing(tmp_path: Path) -> None:
    files = {"function_app.py": f"import json, httpx\n{HEAD}"}
    (found,) = found_in(write_files(tmp_path / "a", files), "requirements-missing")
    assert "httpx" in found.seen
    assert found_in(write_files(tmp_path / "b", {}), "requirements-missing") == []
    assert found_in(write_files(tmp_path / "c", files | {"pyproject.toml": ""}), "requirements-missing") == []


def test_file_that_is_not_python_is_an_error_at_its_line(tmp_path: Path) -> None:
    files = {"function_app.py": f"import shop\n{HEAD}", "shop.py": "x = 1\ndef f(:\n    pass\n"}
    (found,) = found_in(write_files(tmp_path, files), "syntax-error")
    assert (found.file, found.line) == ("shop.py", 2)


def test_file_that_the_app_does_not_import_is_not_read(tmp_path: Path) -> None:
    folder = write_files(tmp_path, {"scripts/deploy.py": "def f(:", "requirements.txt": "azure-functions\n"})
    assert found_in(folder, "syntax-error", "requirement-forgotten") == []


def install(folder: Path, name: str, module: str, *, requires: str = "") -> None:
    """A package as pip leaves it in the folder that a remote build makes."""
    site = folder / ".python_packages" / "lib" / "site-packages"
    info = site / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    (site / module).mkdir()
    (site / module / "__init__.py").write_text("")
    needed = f"Requires-Dist: {requires}\n" if requires else ""
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{needed}")
    (info / "RECORD").write_text(f"{module}/__init__.py,,\n{info.name}/METADATA,,\n")


def test_installed_packages_say_what_an_import_comes_from(tmp_path: Path) -> None:
    """``shoplib`` gives ``shop_client`` and requires ``parcel``, so that only ``stray`` is forgotten."""
    imports = "import shop_client\nimport parcel\nimport stray\n"
    files = {"function_app.py": imports + HEAD, "requirements.txt": "azure-functions\nshoplib==1.0\n"}
    folder = write_files(tmp_path, files)
    install(folder, "shoplib", "shop_client", requires="parcel (>=1)")
    install(folder, "parcel", "parcel")
    install(folder, "stray", "stray")
    (found,) = found_in(folder, "requirement-forgotten")
    assert (found.line, found.severity) == (3, "error")
    assert "stray" in found.seen


def test_import_is_only_a_warning_where_the_named_packages_are_not_installed(tmp_path: Path) -> None:
    files = {"function_app.py": f"import stray\n{HEAD}", "requirements.txt": "azure-functions\nrequests==2.32.5\n"}
    (found,) = found_in(write_files(tmp_path / "known", files), "requirement-forgotten")
    assert found.severity == "warning"
    files["requirements.txt"] += "unheard-of==1.0\n"  # which may require it
    assert found_in(write_files(tmp_path / "unknown", files), "requirement-forgotten") == []


@pytest.mark.parametrize(
    ("imports", "requirements"),
    [
        ("from azure.storage.blob import BlobClient", "azure-storage-blob==12.0"),
        (
            "import yaml, dateutil.parser, PIL, bs4",
            "PyYAML==6.0\npython-dateutil==2.9\nPillow==11.0\nbeautifulsoup4==4.0",
        ),
        ("from pydantic import BaseModel", "fastapi==0.121.0"),
        ("import urllib3, certifi", "requests==2.32.5"),
        ("import company.orders", "company-orders==1.0"),
        ("import odd", "-e ./odd-package"),
        ("import odd", "odd @ https://example.com/odd.whl"),
        ("try:\n    import ujson\nexcept ImportError:\n    import json", "azure-functions"),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import boto3", "azure-functions"),
        ("import azure.functions as func", "flask==3.1.0"),
    ],
)
def test_import_that_something_may_give_is_not_forgotten(tmp_path: Path, imports: str, requirements: str) -> None:
    files = {"function_app.py": f"{imports}\n{HEAD}", "requirements.txt": f"{requirements}\n"}
    assert found_in(write_files(tmp_path, files), "requirement-forgotten") == []


@pytest.mark.parametrize("name", ["uvicorn", "psycopg2-binary", "python-multipart", "unheard-of", "opentelemetry-sdk"])
def test_package_that_something_may_load_is_not_unused(tmp_path: Path, name: str) -> None:
    folder = write_files(tmp_path, {"requirements.txt": f"pandas==2.3.3\n{name}==1.0\n"})
    assert [each.seen for each in found_in(folder, "requirement-unused")] == [
        "pandas is named, and the app imports nothing from it."
    ]


def test_package_of_a_locked_file_is_not_unused(tmp_path: Path) -> None:
    """It has what its packages require as well, and what they require is not known where they are not installed."""
    folder = write_files(tmp_path, {"requirements.txt": "pandas==2.3.3 \\\n    --hash=sha256:00\n"})
    assert found_in(folder, "requirement-unused") == []


def test_import_by_a_computed_name_silences_what_is_unused(tmp_path: Path) -> None:
    source = f"import importlib\n{HEAD}\nimportlib.import_module(name)\n"
    folder = write_files(tmp_path, {"requirements.txt": "pandas==2.3.3\n", "function_app.py": source})
    assert found_in(folder, "requirement-unused") == []


def test_template_beside_the_app_of_an_azd_project_is_read(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "src", {})
    (tmp_path / "azure.yaml").write_text("name: x\n")
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra" / "main.bicep").write_text(
        "x: {\n  scaleAndConcurrency: {\n    maximumInstanceCount: 1\n  }\n}\n"
    )
    (found,) = found_in(folder, "flex-concurrency-default")
    assert (found.file, found.line) == ("../infra/main.bicep", 2)


@pytest.mark.parametrize(
    "line",
    [
        "triggers: { http: { perInstanceConcurrency: 8 } }",
        "triggers: { http: { perInstanceConcurrency: concurrency } }",
        "triggers: triggers",
    ],
)
def test_template_that_sets_the_concurrency_is_fine(tmp_path: Path, line: str) -> None:
    template = f"x: {{\n  scaleAndConcurrency: {{\n    {line}\n  }}\n}}\n"
    folder = write_files(tmp_path, {"main.bicep": template})
    assert found_in(folder, "flex-concurrency-default", "concurrency-and-threads") == []


def test_setting_of_a_template_for_another_plan_is_fine(tmp_path: Path) -> None:
    premium = "x: [{ name: 'FUNCTIONS_WORKER_PROCESS_COUNT', value: '2' }]\n"
    folder = write_files(tmp_path, {"infra/premium.bicep": premium})
    assert found_in(folder, "setting-not-on-plan", plan="flex") == []


def test_folder_without_an_app_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"has no function_app\.py: name the folder of an Azure Functions app"):
        inspect_app(tmp_path)


def test_first_file_can_have_another_name(tmp_path: Path) -> None:
    settings = '{"IsEncrypted": false, "Values": {"PYTHON_SCRIPT_FILE_NAME": "main.py"}}'
    write_files(tmp_path, {"local.settings.json": settings, "main.py": "def f(:\n"})
    assert [each.file for each in found_in(tmp_path, "syntax-error")] == ["main.py"]
