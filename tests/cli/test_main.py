"""The command line: help, exit codes, and messages about wrong usage."""

import re
from pathlib import Path

import click
import pytest

from functune.cli import main
from functune.cli.recommend import recommend_settings
from functune.plans.registry import PLANS
from functune.run.environment import Environment
from functune.run.folder import RunFolder
from tests.analysis.simulated import planned
from tests.cli.calling import functune, imported, run

COMMANDS = sorted(main.commands)
HEAVY = {"numpy", "scipy", "locust", "uvicorn", "vl_convert"}
"""Packages of which each takes longer to import than click."""


@pytest.mark.parametrize("name", COMMANDS)
def test_help_shows_an_example_and_the_exit_codes(name: str) -> None:
    result = run(name, "--help")
    assert result.exit_code == 0
    assert "Example" in result.output
    assert f"functune {name}" in result.output
    assert "Exit codes: 0" in result.output


def test_list_of_commands_has_the_first_sentence_of_each() -> None:
    """It is read from the source of the commands."""
    listed = dict(re.findall(r"^  (\S+) {2,}(.+)$", run("--help").output.partition("Commands:")[2], re.MULTILINE))
    assert sorted(listed) == COMMANDS
    for name, found in main.commands.items():
        assert found.get_short_help_str(limit=200).startswith(listed[name].removesuffix("..."))


@pytest.mark.parametrize(
    ("words", "unused"),
    [
        ("--help", {"asyncio", "msgspec", "httpx", "rich", *HEAVY}),
        ("tune --help", HEAVY),
        ("doctor --help", {"httpx", "rich", *HEAVY}),
        ("report --help", {"httpx", "rich", *HEAVY}),
        ("plan --help", {"httpx", "rich", *HEAVY}),
    ],
)
def test_help_imports_nothing_that_takes_long(words: str, unused: set[str]) -> None:
    done = functune(*words.split(), PYTHONPROFILEIMPORTTIME="1")
    assert "click" in imported(done)
    assert imported(done) & unused == set()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["serve", "--port", "70000"], "70000 is not in the range 0<=x<=65535"),
        (["serve", "--port", "x"], "'x' is not a valid integer"),
        (["serve", "--worker-startup-interval", "-1"], "-1.0 is not in the range 0<=x<=600"),
        (["serve", "--nonsense"], "No such option"),
        (["probe"], "probe takes either the URL of a running app, or --host"),
        (["probe", "http://127.0.0.1:1", "--host", "local"], "probe takes either the URL"),
        (["probe", "http://127.0.0.1:1", "--script-root", "."], "probe takes either the URL"),
        (["probe", "--host", "https://x"], "'https://x' is not one of 'local', 'func'"),
        (["probe", "--host", "local", "--script-root", "/nonexistent"], "there is no such folder"),
        (
            ["sweep", "experiments/processes-cpu.toml", "--host", "nonsense"],
            "allowed are local, func, gunicorn, uvicorn, app-service, and the URL",
        ),
        (["probe", "nonsense"], "'nonsense' is not the base URL of an app"),
        (["probe", "http://127.0.0.1:1", "--largest-wave", "4"], "4 is not in the range 16<=x<=1024"),
        (["sweep", "/nonexistent/x.toml"], "/nonexistent/x.toml: No such file or directory"),
        (["sweep", "--script-root", "/nonexistent"], "--script-root /nonexistent: there is no such folder"),
        (["sweep", "--objective", "fast"], '"fast" is not understood: allowed are p50, p95'),
        (["sweep", "--strategy", "luck"], "'luck' is not one of 'throughput', 'latency', 'cost', 'balanced'"),
        (["sweep", "--search", "all"], "'all' is not one of 'adaptive', 'grid'"),
        (["sweep", "--repeats", "0"], "0 is not in the range 1<=x<=50"),
        (["sweep", "--memory", "1024"], "'1024' is not one of '512', '2048', '4096'"),
        (["sweep", "--objective", "latency < 1s"], '"latency < 1s" is not understood: allowed are p50, p95'),
        (["sweep", "--resume", "x", "--out", "y"], "--resume RUN continues the experiments of that run"),
        (["demo", "tail-latency"], "'tail-latency' is not one of 'threads-blocking-io'"),
        (["nonsense"], "No such command 'nonsense'"),
    ],
)
def test_wrong_usage_ends_with_2_and_names_the_value(arguments: list[str], said: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert said in result.output


@pytest.mark.parametrize(
    "words",
    [["report"], ["recommend"], ["lessons"], ["sweep", "--resume"]],
    ids=["report", "recommend", "lessons", "resume"],
)
def test_folder_without_a_run_ends_with_3(words: list[str], tmp_path: Path) -> None:
    result = run(*words, str(tmp_path))
    assert result.exit_code == 3
    assert f"{tmp_path} is not a run folder" in result.output
    assert "functune sweep" in result.output


def test_recommend_takes_every_plan_and_says_which_is_the_default() -> None:
    [plan] = [option for option in recommend_settings.params if option.name == "plan"]
    assert isinstance(plan.type, click.Choice)
    assert list(plan.type.choices) == list(PLANS)
    said = " ".join(run("recommend", "--help").output.split())
    assert "--plan [local|flex|premium|app-service|container-apps]" in said
    assert "JSON holds all plans. [default: local]" in said


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
    RunFolder.create(tmp_path, [planned()], Environment(host_kind="local"))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    result = run("sweep", "--resume", str(tmp_path), "--repeats", "5", "--memory", "512")
    assert result.exit_code == 2
    assert "--repeats, --memory with --resume: a run continues as it was begun" in result.output
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_flags_are_kept_in_the_run_folder(tmp_path: Path, closed_port: int) -> None:
    """Nobody listens at the URL, so the run fails; its experiment.toml has the flags all the same."""
    path = tmp_path / "one.toml"
    path.write_text(
        'name = "one"\nquestion = "?"\nworkload.routes = ["/a"]\nload = { users = [1], warm_up = 0.2, measure = 1 }\n'
        "settings.thread_count = [1]\n"
    )
    flags = ["--search", "grid", "--repeats", "4", "--seed", "7", "--objective", "p95 < 1s", "--strategy", "cost"]
    out = tmp_path / "run"
    url = f"http://127.0.0.1:{closed_port}"
    result = run("sweep", str(path), "--host", url, "--out", str(out), "--memory", "512", "--no-calibration", *flags)
    assert result.exit_code == 3
    [kept] = RunFolder.open(out).experiments
    assert (kept.load.search, kept.load.repeats, kept.load.seed) == ("grid", 4, 7)
    assert (kept.objective, kept.strategy, kept.memory_mb) == ("p95 < 1s", "cost", 512)


def test_probe_of_a_port_where_nobody_listens_ends_with_3(closed_port: int) -> None:
    result = run("probe", f"http://127.0.0.1:{closed_port}")
    assert result.exit_code == 3
    assert "cannot be reached" in result.output
