"""Verdict and advice for a mix of requests, for a present setting, and for a single cheap route."""

import msgspec
import pytest

from functune.analysis.experiment import ExperimentFindings
from functune.experiments.model import Baseline, Experiment, Matrix, Workload
from functune.experiments.planned import planned_trials
from functune.experiments.requests import RequestTemplate
from functune.run.measurement import Measurement, RequestResults
from functune.setting import Setting
from tests.analysis.simulated import findings, planned, step

ORDER, LIST = (
    RequestTemplate(name="order", route="/api/order", weight=3),
    RequestTemplate(name="list", route="/api/list"),
)


def mixed(*, alone: bool = False) -> Experiment:
    matrix = Matrix(thread_count=(1, 16))
    return msgspec.structs.replace(planned(settings=matrix), workload=Workload(requests=(ORDER, LIST), alone=alone))


def measured(experiment: Experiment, *, wait: dict[str | None, float] | None = None) -> list[Measurement]:
    """Every step; ``wait`` is the waiting time of a request by name, 100 ms where it is not given."""
    found = []
    for number, trial in enumerate(planned_trials(experiment)):
        for users in experiment.load.users:
            seconds = (wait or {}).get(trial.subject.request, 0.1)
            one = step(setting=trial.setting, users=users, wait=seconds, trial=number)
            by_name = {
                "order": RequestResults(latencies_us=one.latencies_us[::2]),
                "list": RequestResults(latencies_us=one.latencies_us[1::2], errors={"HTTP 500": 1}),
            }
            found.append(
                msgspec.structs.replace(one, subject=trial.subject, by_request=by_name if trial.subject.is_mix else {})
            )
    return found


def found_for(experiment: Experiment, **options: object) -> ExperimentFindings:
    return findings(experiment, measured(experiment, **options))


def test_mix_decides_and_its_requests_alone_are_shown() -> None:
    """The list computes all the time, so 1 thread would do for it."""
    found = found_for(mixed(alone=True), wait={"list": 0.0})
    [advice] = found.advice
    assert advice.setting == Setting(thread_count=16)
    assert [subject.request for subject in advice.subjects] == ["mix"]
    assert found.verdict.startswith("Use 16 threads in 1 process: ")
    assert found.verdict.endswith(
        "Measured alone, the requests need 16 threads in 1 process for /api/order and 1 thread in 1 process for "
        "/api/list."
    )


def test_level_of_a_mix_has_the_figures_of_each_request() -> None:
    level = max(found_for(mixed()).levels, key=lambda each: each.throughput)
    listed, order = level.requests
    assert (listed.name, order.name) == ("list", "order")
    assert (listed.failed, order.failed) == (1, 0)
    assert listed.throughput + order.throughput == pytest.approx(level.throughput)
    assert order.p95 is not None
    assert level.figures.p95 is not None
    assert abs(order.p95 - level.figures.p95) < 0.01


def test_verdict_compares_with_the_present_settings() -> None:
    experiment = planned(settings=Matrix(thread_count=(1, 16)))
    present = msgspec.structs.replace(experiment, baseline=Baseline(thread_count=1))
    found = findings(present, measured(present))
    assert "times the throughput of the present settings (1 thread in 1 process)." in found.verdict
    [subject] = found.subjects
    assert "present settings" in {name for each in subject.standings for name in each.names}
    same = msgspec.structs.replace(experiment, baseline=Baseline(thread_count=16))
    assert "which are the present settings." in findings(same, measured(same)).verdict
    more = planned(settings=Matrix(thread_count=(1, 64, 128)))
    as_good = msgspec.structs.replace(more, baseline=Baseline(thread_count=128))
    said = "as much as with the present settings (128 threads in 1 process), which can stay."
    assert said in findings(as_good, measured(as_good)).verdict


def test_single_cheap_route_speaks_for_itself_only() -> None:
    experiment = planned(settings=Matrix(thread_count=(1, 16)))
    cheap, slow = (findings(experiment, measured(experiment, wait={None: wait})) for wait in (0.005, 0.1))
    said = "This applies to /api/sync/sleep?ms=100 only"
    assert any(said in caveat for each in cheap.recommendations for caveat in each.caveats)
    assert not any(said in caveat for each in slow.recommendations for caveat in each.caveats)
    mix = found_for(mixed(), wait={"mix": 0.005})
    assert not any("This applies to" in caveat for each in mix.recommendations for caveat in each.caveats)
