"""The command line: exit codes and messages. What the commands do is tested where it is done."""

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from functune import experiments
from functune.cli import main
from tests.report.written import ENVIRONMENT, routes, run_folder, threads

COMMANDS = sorted(main.commands)


def run(*arguments: str) -> Result:
    """One call of ``functune``."""
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_an_example_and_the_exit_codes(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert "Example" in result.output
    assert f"functune {command}" in result.output
    assert "Exit codes: 0" in result.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["serve", "--port", "70000"], "70000 is not in the range 0<=x<=65535"),
        (["serve", "--port", "x"], "'x' is not a valid integer"),
        (["serve", "--worker-startup-interval", "-1"], "-1.0 is not in the range 0<=x<=600"),
        (["serve", "--nonsense"], "No such option"),
        (["probe"], "probe takes either the URL of a running copy of the app, or --host"),
        (["probe", "http://127.0.0.1:1", "--host", "local"], "probe takes either the URL"),
        (["probe", "http://127.0.0.1:1", "--script-root", "."], "probe takes either the URL"),
        (["probe", "--host", "https://x"], "'https://x' is not one of 'local', 'func'"),
        (["probe", "--host", "local", "--script-root", "/nonexistent"], "there is no such folder"),
        (["sweep", "--host", "nonsense"], "allowed are local, func, and the URL of an app"),
        (["probe", "nonsense"], "'nonsense' is not a URL"),
        (["probe", "http://127.0.0.1:1", "--largest-wave", "4"], "4 is not in the range 16<=x<=1024"),
        (["sweep", "/nonexistent/x.toml"], "/nonexistent/x.toml: No such file or directory"),
        (["sweep", "--script-root", "/nonexistent"], "--script-root /nonexistent: there is no such folder"),
        (["sweep", "--objective", "fast"], '"fast" is not understood: allowed are p50, p95'),
        (["sweep", "--strategy", "luck"], "'luck' is not one of 'throughput', 'latency', 'cost', 'balanced'"),
        (["sweep", "--search", "all"], "'all' is not one of 'adaptive', 'grid'"),
        (["sweep", "--repeats", "0"], "0 is not in the range 1<=x<=50"),
        (["sweep", "--memory", "1024"], "'1024' is not one of '512', '2048', '4096'"),
        (["sweep", "--resume", "x", "--out", "y"], "--resume RUN takes the experiments of that run"),
        (["sweep", "--resume", "/nonexistent"], "/nonexistent/experiment.toml: No such file"),
        (["nonsense"], "No such command 'nonsense'"),
    ],
)
def test_wrong_usage_ends_with_2_and_names_the_value(arguments: list[str], said: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert said in result.output


@pytest.mark.parametrize("command", ["report", "recommend"])
def test_folder_without_a_run_ends_with_3(command: str, tmp_path: Path) -> None:
    result = run(command, str(tmp_path))
    assert result.exit_code == 3
    assert str(tmp_path) in result.output
    assert "functune sweep" in result.output


def test_sweep_without_experiments_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("sweep")
    assert result.exit_code == 2
    assert "name the experiment files to run" in result.output


def test_sweep_refuses_a_broken_experiment(tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_text("name = [")
    result = run("sweep", str(path), "--out", str(tmp_path / "run"))
    assert result.exit_code == 2
    assert f"{path}: not TOML" in result.output
    assert not (tmp_path / "run").exists()


def test_resumed_sweep_takes_no_flag_that_would_change_it(tmp_path: Path) -> None:
    shipped = Path(__file__).parent.parent / "experiments" / "processes-cpu.toml"
    (tmp_path / "experiment.toml").write_text(shipped.read_text())
    result = run("sweep", "--resume", str(tmp_path), "--repeats", "5", "--memory", "512")
    assert result.exit_code == 2
    assert "--repeats, --memory beside --resume: a run goes on as it was begun" in result.output
    assert [path.name for path in tmp_path.iterdir()] == ["experiment.toml"]


def test_flags_are_kept_in_the_run_folder(tmp_path: Path, unused_tcp_port: int) -> None:
    """Nobody listens at the URL, so the run fails, and has noted what was asked."""
    path = tmp_path / "one.toml"
    path.write_text(
        'name = "one"\nquestion = "?"\nworkload.routes = ["/a"]\nload = { users = [1], warm_up = 0.2, measure = 1 }\n'
        "settings.thread_count = [1]\n"
    )
    flags = ["--search", "grid", "--repeats", "4", "--seed", "7", "--objective", "p95 < 1s", "--strategy", "cost"]
    out = tmp_path / "run"
    url = f"http://127.0.0.1:{unused_tcp_port}"
    result = run("sweep", str(path), "--host", url, "--out", str(out), "--memory", "512", *flags)
    assert result.exit_code == 3
    [kept] = experiments.load(out / "experiment.toml")
    assert (kept.load.search, kept.load.repeats, kept.load.seed) == ("grid", 4, 7)
    assert (kept.objective, kept.strategy, kept.memory_mb) == ("p95 < 1s", "cost", 512)


def test_probe_of_a_port_where_nobody_listens_ends_with_3(unused_tcp_port: int) -> None:
    result = run("probe", f"http://127.0.0.1:{unused_tcp_port}")
    assert result.exit_code == 3
    assert "cannot be reached" in result.output


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A run, and one of the same experiment that was half as fast on another machine."""
    experiment, measured = threads()
    slower = [
        msgspec.structs.replace(each, duration=2 * each.duration, latencies_us=[2 * one for one in each.latencies_us])
        for each in measured
    ]
    before = run_folder(tmp_path_factory.mktemp("runs") / "before", [experiment], measured)
    after = run_folder(before.parent / "after", [experiment], slower, {**ENVIRONMENT, "python": "3.14.0"})
    return before, after


def test_compare_ends_with_1_when_something_got_worse_and_0_when_not(runs: tuple[Path, Path]) -> None:
    before, after = map(str, runs)
    worse = run("compare", before, after)
    assert worse.exit_code == 1
    assert "Worse: threads: expected: 16 threads serve 160; observed" in worse.output
    assert "Worse: threads: /api/sync/sleep?ms=100, 16 threads in 1 process, 64 users: 1" in worse.output
    assert "measured once" in worse.output
    assert "Warning: python was '3.13.5' and is '3.14.0'" in worse.output
    better = run("compare", after, before)
    assert better.exit_code == 0
    assert "Better: threads: /api/sync/sleep?ms=100" in better.output
    assert run("compare", before, before).exit_code == 0
    assert run("compare", before, after, "--margin", "2").exit_code == 2


def test_compare_of_runs_without_a_common_step_ends_with_3(runs: tuple[Path, Path], tmp_path: Path) -> None:
    experiment, measured = routes()
    other = run_folder(tmp_path, [experiment], measured)
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


def test_report_writes_its_files_and_takes_a_run_beside(runs: tuple[Path, Path]) -> None:
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
    assert "Compared with other servers" in (before / "report.html").read_text(encoding="utf-8")
