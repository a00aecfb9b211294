"""The commands that read run folders, on simulated runs."""

from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest

from functune.experiments.model import Expectation, Experiment, Matrix, Where
from functune.run.environment import Environment
from functune.run.folder import RunFolder
from functune.run.measurement import Measurement
from tests.analysis.simulated import planned
from tests.analysis.simulated import sweep as simulated_sweep
from tests.cli.calling import run

HERE = Environment(host="functune local host", host_kind="local", cpu_count=2, python="CPython 3.13.5")


def threads() -> Experiment:
    """Threads by processes, with an expectation that holds and one that fails."""
    at_16, at_1 = (Where(thread_count=count, process_count=1, users=64) for count in (16, 1))
    return planned(
        settings=Matrix(thread_count=(1, 16, "unset"), process_count=(1, 2)),
        expect=(
            Expectation(claim="16 threads serve 160", metric="throughput", where=at_16, at_least=152, at_most=163),
            Expectation(claim="1 thread is as fast", metric="throughput", where=at_1, over=at_16, at_least=0.9),
        ),
    )


def run_folder(
    path: Path, experiment: Experiment, measured: Iterable[Measurement], environment: Environment = HERE
) -> Path:
    """A run folder as a sweep leaves it."""
    folder = RunFolder.create(path, [experiment], environment)
    for step in measured:
        folder.append(step)
    return path


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A run, and one of the same experiment that was half as fast on another machine."""
    experiment = threads()
    measured = simulated_sweep(experiment, jitter=0.1)
    slower = [
        msgspec.structs.replace(each, duration=2 * each.duration, latencies_us=[2 * one for one in each.latencies_us])
        for each in measured
    ]
    before = run_folder(tmp_path_factory.mktemp("runs") / "before", experiment, measured)
    elsewhere = msgspec.structs.replace(HERE, host="gunicorn", python="3.14.0")
    after = run_folder(before.parent / "after", experiment, slower, elsewhere)
    return before, after


def test_compare_ends_with_1_when_something_got_worse_and_0_when_not(runs: tuple[Path, Path]) -> None:
    before, after = map(str, runs)
    worse = run("compare", before, after)
    assert worse.exit_code == 1
    assert "Worse: threads: expected: 16 threads serve 160; observed" in worse.output
    assert "Worse: threads: /api/sync/sleep?ms=100, 16 threads in 1 process, 64 users: 1" in worse.output
    assert "measured once" in worse.output
    assert "Warning: python was 'CPython 3.13.5' and is '3.14.0'" in worse.output
    better = run("compare", after, before)
    assert better.exit_code == 0
    assert "Better: threads: /api/sync/sleep?ms=100" in better.output
    assert run("compare", before, before).exit_code == 0
    assert run("compare", before, after, "--margin", "2").exit_code == 2


def test_compare_of_runs_without_a_common_step_ends_with_3(runs: tuple[Path, Path], tmp_path: Path) -> None:
    experiment = planned(name="blocked", routes=("/async/sleep", "/async/blocking"), settings=Matrix())
    other = run_folder(tmp_path, experiment, simulated_sweep(experiment))
    result = run("compare", str(runs[0]), str(other))
    assert result.exit_code == 3
    assert "have no step in common" in result.output


def test_recommend_prints_settings_in_the_form_of_the_plan(runs: tuple[Path, Path]) -> None:
    folder = str(runs[0])
    bicep = run("recommend", folder, "--plan", "flex", "--format", "bicep")
    assert bicep.exit_code == 0
    assert bicep.output.startswith("using 'main.bicep'\n")
    assert "PROCESS_COUNT =" not in bicep.output
    local = run("recommend", folder, "--format", "local-settings")
    assert local.output == '{\n  "Values": {\n    "FUNCTIONS_WORKER_PROCESS_COUNT": "1"\n  }\n}\n'
    wrong = run("recommend", folder, "--format", "commands")
    assert wrong.exit_code == 2
    assert "allowed with --plan flex or premium" in wrong.output
    assert run("recommend", folder, "--experiment", "threads").exit_code == 2


def test_report_writes_its_files_and_compares_with_another_server(runs: tuple[Path, Path]) -> None:
    before, after = runs
    result = run("report", str(before), "--beside", str(after))
    assert result.exit_code == 1  # an expectation fails
    assert sorted(path.name for path in before.iterdir()) == [
        "environment.json",
        "experiment.toml",
        "junit.xml",
        "measurements.csv",
        "measurements.jsonl",
        "recommendation.json",
        "report.html",
        "report.json",
        "summary.md",
    ]
    assert "Which server for this handler" in (before / "report.html").read_text(encoding="utf-8")


def test_lessons_below_a_file_are_refused_in_a_sentence(runs: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = run("lessons", str(runs[0]), "--out", str(tmp_path / "file" / "docs"))
    assert result.exit_code == 2
    assert f"--out {tmp_path / 'file' / 'docs'}: " in result.output
    assert "cannot be written: Not a directory" in result.output


def test_report_of_a_run_in_which_nothing_worked_ends_with_3(tmp_path: Path) -> None:
    experiment = planned(settings=Matrix(thread_count=(4,)), users=(1, 4))
    broken = {"latencies_us": [], "error_latencies_us": [900] * 150, "errors": {"HTTP 500": 150}}
    failing = [msgspec.structs.replace(step, **broken) for step in simulated_sweep(experiment)]
    folder = run_folder(tmp_path / "failing", experiment, failing)
    result = run("report", str(folder))
    assert result.exit_code == 3
    assert (folder / "report.html").is_file()
    assert "functune: threads: no step worked: 300 of 300 requests failed (HTTP 500: 300)." in result.stderr
