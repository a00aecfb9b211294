"""The findings of a run as they are printed."""

import re

import msgspec

from functune.analysis.experiment import ExperimentFindings
from functune.experiments.model import Expectation, Matrix, Where
from functune.setting import Setting
from functune.terminal.findings import experiment_lines, findings_lines
from tests.analysis.simulated import findings, planned, step, sweep


def waits() -> ExperimentFindings:
    """A route that waits, and an expectation that fails."""
    where = Where(thread_count=16, process_count=1, users=64)
    expect = Expectation(claim="16 threads serve 1000", metric="throughput", where=where, at_least=1000)
    experiment = planned(settings=Matrix(thread_count=(1, 16, "unset"), process_count=(1,)), expect=(expect,))
    return findings(experiment, sweep(experiment, jitter=0.1))


def computes(*, repeats: int = 1) -> ExperimentFindings:
    """A handler that computes: two processes are faster than the defaults, which are the next best."""
    experiment = planned(
        routes=("/api/sync/cpu?ms=10",), settings=Matrix(thread_count=("unset",), process_count=(1, 2))
    )
    measured = [
        msgspec.structs.replace(
            step(
                setting=Setting(process_count=processes),
                users=users,
                cpu=0.01,
                wait=0.0,
                route="/api/sync/cpu?ms=10",
                repeat=repeat,
                noise=0.05,
            ),
            repeat=repeat,
        )
        for repeat in range(repeats)
        for processes in (1, 2)
        for users in experiment.load.users
    ]
    return findings(experiment, measured)


def test_lines_of_an_experiment_are_verdict_certainty_settings_and_expectations() -> None:
    found = waits()
    lines = list(experiment_lines(found))
    assert lines[0] == found.verdict
    assert lines[1] == found.recommendations[0].certainty
    assert lines[-3:] == [
        "  FUNCTIONS_WORKER_PROCESS_COUNT=1",
        "  leave PYTHON_THREADPOOL_THREAD_COUNT unset",
        "FAILS: 16 threads serve 1000 (observed 158.3 requests/s, allowed at least 1000)",
    ]


def test_recommended_limiter_is_a_line_for_the_app_below_the_settings() -> None:
    experiment = planned(settings=Matrix(thread_count=(1, 16), limiter_tokens=(80,)))
    found = findings(experiment, sweep(experiment))
    *_, threads, limiter = experiment_lines(found)
    assert threads == "  PYTHON_THREADPOOL_THREAD_COUNT=16"
    assert limiter.endswith("anyio.to_thread.current_default_thread_limiter().total_tokens = 80")
    assert "total_tokens" not in "\n".join(experiment_lines(found, with_settings=False))


def test_every_experiment_begins_with_its_question() -> None:
    one = waits()
    lines = list(findings_lines([one, one]))
    assert lines.count(one.experiment.question) == 2
    assert lines[lines.index(one.experiment.question) + 1] == f"  {one.verdict}"


def test_lines_of_several_routes_name_the_route() -> None:
    experiment = planned(routes=("/api/a", "/api/b"), settings=Matrix(thread_count=(1, 16)))
    found = findings(experiment, sweep(experiment))
    lines = list(experiment_lines(found))
    for each in found.recommendations:
        assert f"{each.subject}: {each.certainty}" in lines


def test_line_names_its_route_where_the_other_route_never_worked() -> None:
    experiment = planned(routes=("/api/a", "/api/b"), settings=Matrix(thread_count=(1, 16)))
    measured = [
        msgspec.structs.replace(each, error_latencies_us=[900] * 50, errors={"HTTP 503": 50})
        if each.subject.route == "/api/b"
        else each
        for each in sweep(experiment)
    ]
    found = findings(experiment, measured)
    [only] = found.recommendations
    assert f"/api/a: {only.certainty}" in list(experiment_lines(found))


def test_no_ratio_to_the_defaults_is_printed_with_two_values() -> None:
    """The defaults are the next best here, so verdict and certainty compare with the same setting."""
    once = "\n".join(experiment_lines(computes()))
    ratios = set(re.findall(r"([\d.]+) times", once))
    assert len(ratios) == 1, once
    several = list(experiment_lines(computes(repeats=5)))
    [ratio] = map(float, re.findall(r"([\d.]+) times", several[0]))
    [(low, high)] = re.findall(r"([\d.]+) to ([\d.]+) times", several[1])
    assert float(low) <= ratio <= float(high)


def test_setting_tied_with_the_defaults_serves_as_much_as_they_do() -> None:
    experiment = planned(settings=Matrix(thread_count=(1, 64, "unset")))
    [verdict, *_] = experiment_lines(findings(experiment, sweep(experiment)))
    assert verdict.endswith(", as much as with the defaults.")
    assert "times" not in verdict
