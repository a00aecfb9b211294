"""The advice for a plan that does not allow every knob, from a run to the settings to apply."""

import json
from pathlib import Path
from typing import Any

import pytest

from functune.experiments.model import Matrix
from tests.analysis.simulated import planned, sweep
from tests.cli.calling import run
from tests.cli.test_runs import run_folder

THREADS = 16


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a handler with 5 ms of CPU time and 45 ms of waiting: two processes serve most, on two cores."""
    experiment = planned(settings=Matrix(thread_count=(1, THREADS), process_count=(1, 2)), users=(16,))
    measured = sweep(experiment, cpu=0.005, wait=0.045, jitter=0.1)
    return run_folder(tmp_path_factory.mktemp("mixed") / "run", experiment, measured)


def advice(run_folder: Path, plan: str) -> dict[str, Any]:
    """The advice for the plan in recommendation.json."""
    [experiment] = json.loads(run("recommend", str(run_folder), "--plan", plan).output)["experiments"]
    [found] = [each for each in experiment["apply"] if each["plan"] == plan]
    return found


def text(run_folder: Path, plan: str, form: str) -> str:
    return run("recommend", str(run_folder), "--plan", plan, "--format", form).output


def test_flex_gets_the_best_setting_of_one_process_in_every_form(mixed: Path) -> None:
    found = advice(mixed, "flex")
    assert (found["setting"]["process_count"], found["setting"]["thread_count"]) == (1, THREADS)
    assert found["app_settings"] == {"PYTHON_THREADPOOL_THREAD_COUNT": str(THREADS)}
    assert found["parameters"]["threadCount"] == THREADS
    assert f"param threadCount = {THREADS}\n" in text(mixed, "flex", "bicep")
    commands = text(mixed, "flex", "commands")
    assert f"--settings PYTHON_THREADPOOL_THREAD_COUNT={THREADS}\n" in commands
    concurrency = found["parameters"]["perInstanceConcurrency"]
    assert f"--trigger-settings perInstanceConcurrency={concurrency}\n" in commands
    assert f"param perInstanceConcurrency = {concurrency}\n" in text(mixed, "flex", "bicep")
    assert json.loads(text(mixed, "flex", "local-settings"))["Values"] == found["app_settings"]
    assert "FUNCTIONS_WORKER_PROCESS_COUNT=" not in commands


def test_plan_with_every_knob_gets_the_setting_of_the_verdict(mixed: Path) -> None:
    [experiment] = json.loads(run("recommend", str(mixed)).output)["experiments"]
    [recommended] = experiment["recommendations"]
    assert recommended["setting"]["process_count"] == 2
    assert advice(mixed, "premium")["setting"] == recommended["setting"]
    assert advice(mixed, "local")["setting"] == recommended["setting"]


def test_local_is_the_plan_where_none_is_given(mixed: Path) -> None:
    given = text(mixed, "local", "local-settings")
    assert run("recommend", str(mixed), "--format", "local-settings").output == given
    assert "FUNCTIONS_WORKER_PROCESS_COUNT" in json.loads(given)["Values"]  # which Flex Consumption does not take
