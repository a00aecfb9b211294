"""Sweeps of an app on the stand-in: settings written, seen to take effect, and restored, whatever happens."""

import os
import re
import signal
from pathlib import Path

import pytest

from functune.errors import HostError
from functune.run.folder import RunFolder
from functune.sweep.event_words import described
from functune.sweep.events import AppChanged, Event, StepFinished, SweepStarted
from tests.azure.fast_sweep import fast_sweep
from tests.azure.light_app import LightApp
from tests.azure.live_sweep import begin, kill_all, sweep_words, wait_for, write_experiment
from tests.azure.stand_in import SITE, StandIn, refusal
from tests.cli.calling import in_process, run

THREADS = "PYTHON_THREADPOOL_THREAD_COUNT"


def test_sweep_measures_each_setting_and_restores_the_app(live: StandIn, light_app: LightApp, tmp_path: Path) -> None:
    """What the experiment does not list stays as the app has it: the threads, and the size of the instance."""
    live.settings[THREADS] = "6"
    live.keep_history()
    light_app.seconds = 0.2
    light_app.start()
    before = live.state()
    experiment = write_experiment(tmp_path, concurrency="[2, 4]", threads='["unset"]', users="[8]", measure=4)
    done = in_process(*sweep_words(experiment, tmp_path / "run"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert live.state() == before
    steps = {each.setting.per_instance_concurrency: each for each in RunFolder.open(tmp_path / "run").measurements()}
    # Of 8 users c are served at a time, 200 ms each: c / 0.2 a second. The others wait, so the way to the app is free.
    assert steps[4].throughput / steps[2].throughput == pytest.approx(2, rel=0.3)
    assert [each.setting.thread_count for each in steps.values()] == [6, 6]
    assert [str(each.setting.instance) for each in steps.values()] == ["flex-2048", "flex-2048"]
    assert [each.setting_seen for each in steps.values()] == [True, True]
    assert [each.errors for each in steps.values()] == [{}, {}], "it was measured before the restart was over"
    assert [list(each.instance_requests) for each in steps.values()] == [["0000ab"], ["0000ab"]]
    assert "restarts for each setting" in done.stdout
    assert re.search(r"At most [\d.]+ minutes and [\d.]+ USD", done.stdout)
    # The settings of the local host are not those of the app's plan, which takes no process count.
    assert f"functune azure apply {tmp_path / 'run'} {SITE}" in done.stdout
    assert "FUNCTIONS_WORKER_PROCESS_COUNT" not in done.stdout
    assert "nothing to restore" in run("azure", "revert", SITE, "--yes").output


def test_sizes_of_an_instance_are_measured_and_restored(live: StandIn, light_app: LightApp, tmp_path: Path) -> None:
    light_app.seconds = 0.2
    before = live.state()
    experiment = write_experiment(tmp_path, concurrency="[2]", users="[4]", measure=4)
    experiment.write_text(
        experiment.read_text().replace("settings = {", 'settings = { instance = ["flex-512", "flex-2048"],')
    )
    fast_sweep(experiment, tmp_path / "run", print)
    steps = {str(each.setting.instance): each for each in RunFolder.open(tmp_path / "run").measurements()}
    assert steps["flex-2048"].throughput / steps["flex-512"].throughput == pytest.approx(4, rel=0.3)
    assert live.state() == before


def test_ctrl_c_restores_the_app(live: StandIn, tmp_path: Path) -> None:
    before = live.state()
    process = begin(*sweep_words(write_experiment(tmp_path, users="[2, 4]"), tmp_path / "run"))
    try:
        wait_for(lambda: (tmp_path / "run" / "measurements.jsonl").exists(), process)
        os.kill(process.pid, signal.SIGINT)
        said, _ = process.communicate(timeout=120)
    finally:
        if process.poll() is None:
            kill_all(process)
    assert process.returncode == 130, said
    assert "--resume" in said
    assert live.state() == before


def test_lost_credentials_end_with_the_command_that_restores(live: StandIn, tmp_path: Path) -> None:
    before = live.state()

    def lose(event: Event) -> None:
        if isinstance(event, StepFinished):
            live.faults.no_tokens = True

    with pytest.raises(HostError, match=f"functune azure revert {SITE}"):
        fast_sweep(write_experiment(tmp_path, users="[2]"), tmp_path / "run", lose)
    assert live.state() != before
    live.faults.no_tokens = False
    assert run("azure", "revert", SITE, "--yes").exit_code == 0
    assert live.state() == before


def test_next_sweep_offers_to_restore_what_a_killed_one_left(live: StandIn, tmp_path: Path) -> None:
    before = live.state()
    experiment = write_experiment(tmp_path, concurrency="[2]")
    process = begin(*sweep_words(experiment, tmp_path / "run"))
    wait_for(lambda: live.state() != before, process)
    kill_all(process)
    assert live.state() != before
    assert "ended before it restored the app" in run("azure", "show", SITE).output

    refused = in_process(*sweep_words(experiment, tmp_path / "second"))
    assert refused.returncode == 2
    assert "Run `functune azure revert" in refused.stderr
    assert live.state() != before

    resumed = in_process("sweep", "--resume", tmp_path / "run", "--no-profile", "--no-calibration", "--yes")
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert "has its own settings again" in resumed.stdout
    assert live.state() == before
    assert len(RunFolder.open(tmp_path / "run").measurements()) == 1


def test_setting_that_does_not_take_effect_is_no_result(live: StandIn, light_app: LightApp, tmp_path: Path) -> None:
    light_app.ignores_changes = True
    light_app.limits = (8, 8)
    light_app.together = 4  # each look is 4 calls, of which an instance should take 2
    light_app.start()
    before = live.state()
    with pytest.raises(HostError, match="no trial could be measured") as raised:
        fast_sweep(write_experiment(tmp_path, concurrency="[2]"), tmp_path / "run", print)
    assert "did not take effect" in str(raised.value.__cause__)
    assert "calls at a time, and an instance should take 2" in str(raised.value.__cause__)
    assert live.state() == before


def test_app_that_names_no_workers_is_measured_and_doubted(live: StandIn, light_app: LightApp, tmp_path: Path) -> None:
    light_app.is_silent = True
    experiment = write_experiment(tmp_path, concurrency="[2]")
    experiment.write_text(experiment.read_text().replace("measure = 1,", "measure = 1, repeats = 2,"))
    fast_sweep(experiment, tmp_path / "run", print)
    steps = RunFolder.open(tmp_path / "run").measurements()
    # In the second round nothing is written, and nothing is seen either.
    assert [(step.setting_seen, step.instance_requests, step.errors) for step in steps] == [(False, {}, {})] * 2
    said = "When 1 of 1 step was measured, Resource Manager showed the setting, but no answer of the app did"
    assert said in run("report", str(tmp_path / "run")).output


def test_rolling_update_is_waited_for_longer_than_a_restart_takes(
    live: StandIn, light_app: LightApp, tmp_path: Path
) -> None:
    live.document["properties"]["functionAppConfig"]["siteUpdateStrategy"] = {"type": "RollingUpdate"}
    # As the sweep wants it, so that it writes once, and the app restarts once before it is measured.
    live.scale["triggers"] = {"http": {"perInstanceConcurrency": 2}}
    live.keep_history()
    light_app.delay = 2.5  # the wait for an unseen restart is 1.5 s there
    fast_sweep(write_experiment(tmp_path, concurrency="[2]"), tmp_path / "run", print)
    [step] = RunFolder.open(tmp_path / "run").measurements()
    assert (step.setting_seen, step.errors) == (True, {})
    assert [each.method for each in live.writes()] == ["PUT", "PATCH", "PUT"], "the last two restore the app"
    assert "17" not in step.worker_requests, "a worker from before the change was measured"


def test_step_over_several_instances_says_so(live: StandIn, light_app: LightApp, tmp_path: Path) -> None:
    light_app.instances = 3
    light_app.start()
    fast_sweep(write_experiment(tmp_path, concurrency="[4]", users="[12]"), tmp_path / "run", print)
    [step] = RunFolder.open(tmp_path / "run").measurements()
    assert len(step.instance_requests) == 3
    assert len(step.worker_requests) == 3, "workers of two instances with one pid were taken for one"
    assert "  3 instances" in described(step)
    assert "Warning: 3 instances served 1 of 1 step" in run("report", str(tmp_path / "run")).output


def test_cost_is_limited_and_production_is_left_alone(live: StandIn, tmp_path: Path) -> None:
    experiment = write_experiment(tmp_path, users="[500]")
    dear = run(*map(str, sweep_words(experiment, tmp_path / "run", "--max-cost", "0.001")))
    assert dear.exit_code == 2
    assert "--max-cost is 0.001" in dear.output
    [cost] = re.findall(r"costs up to ([\d.]+) USD", dear.output)
    assert len(cost.replace(".", "").lstrip("0")) == 3, "a cost just above the limit would read like the limit"
    live.document["tags"] = {"env": "prod"}
    live.keep_history()
    refused = run(*map(str, sweep_words(experiment, tmp_path / "run")))
    assert refused.exit_code == 2
    assert "looks like production: its tag env has the word 'prod'" in refused.output
    assert live.writes() == []
    assert not (tmp_path / "run").exists()


def test_estimate_has_the_restarts_that_nobody_sees(live: StandIn, tmp_path: Path) -> None:
    """Two settings, each with a minute until the restart is over, or five where instances are drained one by one."""
    words = [*map(str, sweep_words(write_experiment(tmp_path), tmp_path / "run", "--yes", "--max-cost", "0"))]

    def minutes() -> float:
        return float(re.findall(r"At most ([\d.]+) minutes", run(*words).output)[0])

    assert 2 <= minutes() < 5
    live.document["properties"]["functionAppConfig"]["siteUpdateStrategy"] = {"type": "RollingUpdate"}
    live.keep_history()
    assert 10 <= minutes() < 13


def test_settings_that_the_plan_does_not_take_are_refused_before_anything_is_written(
    live: StandIn, tmp_path: Path
) -> None:
    experiment = write_experiment(tmp_path)
    text = experiment.read_text()
    for wrong, said in (
        (
            text.replace("settings = {", "settings = { process_count = [1, 2],"),
            "on Flex Consumption: allowed is 1, since other counts",
        ),
        (text.replace("[2, 4]", '["unset", 4]'), 'since "unset" means 1 for Python there'),
        (
            text.replace("settings = {", 'settings = { app_settings = [{ ORDERS_API_KEY = "x" }],'),
            "looks like a secret",
        ),
        (text.replace("settings = {", 'settings = { host = ["local"],'), "on Azure there is one host"),
        (
            text.replace("settings = {", 'settings = { instance = ["EP1"],'),
            "allowed is flex-512, flex-2048, flex-4096",
        ),
    ):
        experiment.write_text(wrong)
        refused = run(*map(str, sweep_words(experiment, tmp_path / "run")))
        assert refused.exit_code == 2, refused.output
        assert said in refused.output
    assert live.writes() == []


def test_passing_refusals_in_a_sweep_are_waited_out(live: StandIn, tmp_path: Path) -> None:
    before = live.state()
    live.faults.accepted, live.faults.lag = 0.3, 0.3

    def refuse(event: Event) -> None:
        """The next request: the first one of all, and the first one that restores."""
        if isinstance(event, SweepStarted | AppChanged):
            live.faults.busy = [refusal(429, "TooManyRequests", "Slowly.", retry_after="1")]

    fast_sweep(write_experiment(tmp_path, concurrency="[2]"), tmp_path / "run", refuse)
    assert live.faults.busy == []
    assert live.state() == before
