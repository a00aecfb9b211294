"""``functune instrument``: the file it writes, the lines it names, and what it refuses."""

import ast
import sys
from pathlib import Path

import pytest

from functune.instrument.file import TIMES_FILE, times_source
from functune.instrument.functune_times import TIMES_VERSION
from functune.instrument.places import places
from tests.cli.calling import run

ROOT = Path(__file__).parents[2]
OLDEST_PYTHON = (3, 10)


def test_showcase_has_the_file_as_it_is_shipped() -> None:
    """Run `functune instrument --force` when this fails."""
    assert (ROOT / TIMES_FILE).read_text(encoding="utf-8") == times_source()


def test_file_needs_the_standard_library_of_an_old_python_alone() -> None:
    tree = ast.parse(times_source(), feature_version=OLDEST_PYTHON)
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names


def test_command_writes_the_file_and_names_the_lines(tmp_path: Path) -> None:
    (tmp_path / "function_app.py").write_text("import azure.functions as func\n\nfunctions = func.FunctionApp()\n")
    done = run("instrument", str(tmp_path))
    assert done.exit_code == 0
    assert (tmp_path / TIMES_FILE).read_text() == times_source()
    assert f"Written: {tmp_path / TIMES_FILE} (version {TIMES_VERSION})" in done.output
    assert "below line 3, which makes the app:\n  import functune_times\n" in done.output
    assert "\n  functune_times.add_times(functions)\n" in done.output
    assert "FUNCTUNE_TIMES=1" in done.output


def test_command_leaves_a_file_that_is_up_to_date(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("import functune_times\nsite: Flask = flask.Flask('x')\n")
    assert run("instrument", str(tmp_path)).exit_code == 0
    again = run("instrument", str(tmp_path))
    assert again.exit_code == 0
    assert "Up to date" in again.output
    assert f"{tmp_path / 'app.py'} names functune_times already" in again.output


def test_command_replaces_another_file_only_by_force(tmp_path: Path) -> None:
    (tmp_path / TIMES_FILE).write_text("TIMES_VERSION = 0\n")
    refused = run("instrument", str(tmp_path))
    assert refused.exit_code == 2
    assert "(its version is 0): it is not overwritten. Remove it, or replace it with --force" in refused.output
    assert (tmp_path / TIMES_FILE).read_text() == "TIMES_VERSION = 0\n"
    assert run("instrument", str(tmp_path), "--force").exit_code == 0
    assert (tmp_path / TIMES_FILE).read_text() == times_source()


def test_command_refuses_what_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / TIMES_FILE).mkdir()
    assert run("instrument", str(tmp_path), "--force").exit_code == 2
    missing = run("instrument", str(tmp_path / "missing"))
    assert missing.exit_code == 2
    assert "there is no such folder; name the folder of an app" in missing.output


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("app = func.FunctionApp()", "functune_times.add_times(app)"),
        ("app = func.AsgiFunctionApp(app=api)", "functune_times.add_times(app)"),
        ("app: Any = WsgiFunctionApp(app=site)", "functune_times.add_times(app)"),
        ("api = FastAPI(title='x')", "api.add_middleware(functune_times.AsgiTimes)"),
        ("site = Flask(__name__)", "site.wsgi_app = functune_times.WsgiTimes(site.wsgi_app)"),
        ("application = get_wsgi_application()", "application = functune_times.WsgiTimes(application)"),
        ("application = get_asgi_application()", "application = functune_times.AsgiTimes(application)"),
    ],
)
def test_line_fits_the_kind_of_app(source: str, line: str, tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text(f"import x\n{source}\n")
    [place] = places(tmp_path)
    assert (place.file.name, place.line, place.addition, place.has_it) == ("module.py", 2, line, False)


def test_function_app_goes_before_the_app_inside(tmp_path: Path) -> None:
    (tmp_path / "function_app.py").write_text("api = FastAPI()\napp = func.AsgiFunctionApp(app=api)\n")
    assert [place.addition for place in places(tmp_path)] == ["functune_times.add_times(app)"]


def test_app_of_a_package_is_found_and_those_of_its_tests_are_not(tmp_path: Path) -> None:
    for package in ("app", "tests"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("")
        (tmp_path / package / "main.py").write_text("api = FastAPI()\n")
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "load.py").write_text("app = Flask('x')\n")
    assert [place.file.relative_to(tmp_path).as_posix() for place in places(tmp_path)] == ["app/main.py"]


def test_all_ways_are_named_where_no_app_is_found(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("app = func.FunctionApp(\n")
    (tmp_path / "other.py").write_text("app = make_app()\n")
    output = run("instrument", str(tmp_path)).output
    assert "No app was found" in output
    for name in ("add_times", "AsgiTimes", "WsgiTimes"):
        assert f"functune_times.{name}(app)" in output
