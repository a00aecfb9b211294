"""Whether anything of a run worked, and the text where nothing did."""

import msgspec

from functune.analysis.experiment import ExperimentFindings, analyse
from functune.experiments.model import Matrix
from functune.report.worked import nothing_worked_text
from functune.run.measurement import Failure
from functune.setting import Setting
from tests.analysis.simulated import SLEEP, findings, planned, step, sweep


def failing() -> ExperimentFindings:
    """Every request is answered 500."""
    experiment = planned(name="failing", settings=Matrix(thread_count=(4,)), users=(1, 4))
    broken = {"latencies_us": [], "error_latencies_us": [900] * 150, "errors": {"HTTP 500": 100, "HTTP 429": 50}}
    measured = [
        msgspec.structs.replace(step(setting=Setting(thread_count=4), users=users, experiment="failing"), **broken)
        for users in (1, 4)
    ]
    return findings(experiment, measured)


def test_text_of_a_run_in_which_nothing_worked_has_statuses_rule_and_routes() -> None:
    experiment = planned()
    worked = findings(experiment, sweep(experiment))
    assert nothing_worked_text([worked, failing()], ["GET /api/x", "POST /api/y"]).splitlines() == [
        "failing: no step worked: 300 of 300 requests failed (HTTP 500: 200, HTTP 429: 100).",
        "A step works when it serves requests and at most 1% of them fail. "
        "The app has these routes: GET /api/x, POST /api/y.",
    ]
    assert nothing_worked_text([failing()], []).endswith("at most 1% of them fail.")


def test_text_of_an_experiment_that_could_not_be_measured_has_the_cause() -> None:
    failure = Failure(
        experiment="failing", trial=0, repeat=0, phase="capacity", subject=SLEEP, setting=Setting(), cause="no memory"
    )
    found = analyse(failing().experiment, [], failures=[failure])
    assert nothing_worked_text([found], []).startswith("failing: no step worked: no memory.\n")


def test_text_of_a_run_without_any_answer_says_so_and_names_lost_workers() -> None:
    experiment = planned(name="silent", settings=Matrix(thread_count=(4,)), users=(1,))
    silent = {"latencies_us": [], "error_latencies_us": [], "errors": {}, "concurrency": 1.0}
    step_of = msgspec.structs.replace(step(setting=Setting(thread_count=4), experiment="silent"), **silent)
    assert nothing_worked_text([findings(experiment, [step_of])], []).startswith(
        "silent: no step worked: no request was answered.\n"
    )
    lost = msgspec.structs.replace(step_of, worker_ends={"SIGKILL": 2})
    assert nothing_worked_text([findings(experiment, [lost])], []).startswith(
        "silent: no step worked: no request was answered (workers ended by SIGKILL: 2).\n"
    )
