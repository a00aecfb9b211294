"""Answers for programs: every command that answers has a JSON form, which is one document on stdout."""

import json
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec
import pytest

from functune.cli import main
from functune.run.folder import RunFolder
from tests.analysis.simulated import planned
from tests.analysis.simulated import sweep as simulated_sweep
from tests.cli.calling import functune, imported, run
from tests.cli.test_main import HEAVY
from tests.cli.test_runs import run_folder, threads

WITHOUT_JSON = {
    "serve": "it runs until it is stopped",
    "watch": "it runs until it is stopped",
    "open": "--print prints nothing but the URL",
    "completion": "it prints a script for a shell",
}
"""The commands without a JSON form, with the reason."""
BODY_IS_JSON = {"tune", "probe"}
"""The commands whose --json is curl's: the body of a request."""


def commands(group: click.Group, path: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command, those of groups too, by the words that call it."""
    for name, each in group.commands.items():
        if isinstance(each, click.Group):
            yield from commands(each, f"{path}{name} ")
        else:
            yield f"{path}{name}", each


COMMANDS = dict(commands(main))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_answers_in_json_or_has_a_reason_not_to(name: str) -> None:
    flags = {flag: option for option in COMMANDS[name].params for flag in option.opts}
    if name in WITHOUT_JSON:
        assert {"--format", "--json"} & flags.keys() == set()
        return
    assert isinstance(flags["--format"].type, click.Choice)
    assert "json" in flags["--format"].type.choices
    assert isinstance(flags["--json"], click.Option)
    assert flags["--json"].is_flag == (name not in BODY_IS_JSON)


def test_exceptions_are_commands() -> None:
    assert set(WITHOUT_JSON) | BODY_IS_JSON <= COMMANDS.keys()


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with an expectation that fails."""
    experiment = threads()
    return run_folder(tmp_path_factory.mktemp("runs") / "run", experiment, simulated_sweep(experiment, jitter=0.1))


def test_report_answers_with_the_recommendation_and_its_place(measured: Path) -> None:
    """Called as a process: nothing else may be on stdout."""
    done = functune("report", measured, "--json")
    assert done.returncode == 1, done.stderr
    document = json.loads(done.stdout)
    assert Path(document.pop("run")) == measured
    assert document.pop("report") == (measured / "report.html").as_uri()
    assert document.pop("passed") is False
    assert document == json.loads((measured / "recommendation.json").read_text())
    assert document == json.loads(run("recommend", str(measured), "--json").stdout)


def test_compare_answers_with_every_figure_in_the_units_of_the_table(measured: Path, tmp_path: Path) -> None:
    experiment = threads()
    other = run_folder(tmp_path / "other", experiment, simulated_sweep(experiment, jitter=0.3))
    document = json.loads(run("compare", str(measured), str(other), "--json").stdout)
    assert sum(document["counts"].values()) == len(document["figures"]) > 10
    steps = [step for step in RunFolder.open(measured).measurements() if step.setting.process_count == 2]
    for figure in document["figures"]:
        if figure["metric"] == "throughput_per_s" and figure["setting"]["process_count"] == 2:
            assert any(step.throughput == pytest.approx(figure["before"], rel=1e-4) for step in steps)
    slow = [each["before"] for each in document["figures"] if each["metric"] == "p95_ms"]
    assert min(slow) > 50  # a handler that waits 100 ms; in seconds it would be 0.1


def test_plan_answers_with_its_file(measured: Path) -> None:
    result = run("plan", str(measured), "--traffic", "steady:2/s", "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout) == json.loads((measured / "plan.json").read_text())


def test_lessons_answer_with_their_page(measured: Path, tmp_path: Path) -> None:
    document = json.loads(run("lessons", str(measured), "--out", str(tmp_path), "--json").stdout)
    assert Path(document["page"]).is_file()


def test_doctor_and_instrument_answer_about_a_folder(tmp_path: Path) -> None:
    (tmp_path / "function_app.py").write_text("import azure.functions as func\napp = func.FunctionApp()\n")
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    document = json.loads(run("doctor", str(tmp_path), "--json").stdout)
    assert document == json.loads(run("doctor", str(tmp_path), "--format", "json").stdout)
    assert isinstance(document["healthy"], bool)
    instrumented = functune("instrument", tmp_path, "--json", PYTHONPROFILEIMPORTTIME="1")
    assert "functune.report.json_text" in imported(instrumented)
    assert imported(instrumented) & HEAVY == set()  # JSON needs none of the analysis
    document = json.loads(instrumented.stdout)
    assert (document["is_written"], document["app_settings"]) == (True, {"FUNCTUNE_TIMES": "1"})
    [place] = document["places"]
    assert (place["line"], place["addition"]) == (2, "functune_times.add_times(app)")
    assert Path(document["file"]).is_file()


def test_error_leaves_stdout_empty(tmp_path: Path) -> None:
    result = run("report", str(tmp_path), "--json")
    assert (result.exit_code, result.stdout) == (3, "")
    assert "is not a run folder" in result.stderr


def test_two_forms_are_refused(measured: Path) -> None:
    result = run("recommend", str(measured), "--json", "--format", "bicep")
    assert result.exit_code == 2
    assert "--json with --format bicep: allowed is one of them" in result.stderr


def test_failed_run_still_answers(tmp_path: Path) -> None:
    """Exit code 3 says that nothing worked; the document has the reason for each experiment."""
    experiment = planned(settings=threads().settings, users=(1, 4))
    broken = {"latencies_us": [], "error_latencies_us": [900] * 150, "errors": {"HTTP 500": 150}}
    failing = [msgspec.structs.replace(step, **broken) for step in simulated_sweep(experiment)]
    result = run("report", str(run_folder(tmp_path / "failing", experiment, failing)), "--json")
    assert result.exit_code == 3
    assert json.loads(result.stdout)["experiments"][0]["recommendations"] == []
    assert "no step worked" in result.stderr
