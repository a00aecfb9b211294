import msgspec
import pytest

from functune.analysis.cost import busy
from functune.analysis.findings import RouteFindings, find
from functune.analysis.usl import Fit, Refused
from functune.analysis.verdict import analyse
from functune.experiments import Experiment, Matrix
from functune.measurements import Measurement, Setting
from tests.analysis.simulated import planned, step, sweep

LEVELS = (1, 2, 4, 8, 16, 32)


def found(experiment: Experiment, measured: list[Measurement]) -> RouteFindings:
    """The findings of an experiment's only route."""
    [route] = find(analyse(experiment, measured, cores=2)).routes
    return route


def test_standings_name_the_recommended_the_fastest_and_the_defaults_once_each() -> None:
    experiment = planned(settings=Matrix(thread_count=(1, 16, "unset")))
    route = found(experiment, sweep(experiment))
    assert [(one.names, one.setting) for one in route.standings] == [
        (("recommended", "fastest", "cheapest", "Azure's defaults"), Setting())
    ]


def test_standings_compare_repeat_by_repeat_with_the_recommended() -> None:
    experiment = planned(settings=Matrix(thread_count=(1, 16)), users=(1, 64))
    # A round slows both settings alike: the ratio of the two is the same in each, so what it spans is a point.
    slow = {0: 1.0, 1: 0.7, 2: 0.9, 3: 1.1, 4: 0.8}
    measured = [
        msgspec.structs.replace(one, repeat=repeat, duration=one.duration / speed)
        for repeat, speed in slow.items()
        for one in sweep(experiment)
    ]
    route = found(experiment, measured)
    recommended, other = route.standings
    assert recommended.of_recommended is None
    assert other.names == ("next best",)
    assert other.of_recommended is not None
    assert other.of_recommended.value == pytest.approx(1 / 16, rel=0.02)
    assert other.of_recommended.spread is not None
    assert other.of_recommended.spread.high == pytest.approx(other.of_recommended.spread.low)
    assert recommended.throughput.spread is not None
    assert recommended.throughput.spread.is_interval
    assert recommended.throughput.spread.low < recommended.throughput.value < recommended.throughput.spread.high


def test_standings_price_what_was_measured() -> None:
    experiment = msgspec.structs.replace(planned(settings=Matrix(thread_count=(16,))), memory_mb=4096)
    [only] = found(experiment, sweep(experiment)).standings
    assert only.cost is not None
    assert only.cost.value == pytest.approx(busy(only.throughput.value, 4096).per_million)


def test_front_holds_what_nothing_beats_in_cost_and_latency() -> None:
    experiment = planned(settings=Matrix(thread_count=(1, 4, 16)), users=(8, 16, 64))
    route = found(experiment, [one for one in sweep(experiment) if len(one.latencies_us) >= 72])
    for one in route.front:
        for other in route.candidates:
            cost, p95 = one.figures.cost, one.figures.p95
            assert cost is not None
            assert p95 is not None
            assert not ((other.figures.cost or 0) < cost and (other.figures.p95 or 0) < p95)
    assert route.front


def test_curves_fit_what_bends_smoothly_and_refuse_a_full_pool() -> None:
    experiment = planned(settings=Matrix(thread_count=(4, "unset")), users=LEVELS)
    measured = [
        step(setting=setting, users=users, contention=0.02, duration=20)
        for setting in (Setting(thread_count=4), Setting())
        for users in LEVELS
    ]
    route = found(experiment, measured)
    smooth, full = route.curves[Setting()], route.curves[Setting(thread_count=4)]
    assert isinstance(smooth, Fit)
    assert smooth.curve.contention == pytest.approx(0.02, rel=0.1)
    assert isinstance(full, Refused)


def test_splits_add_up_to_the_latency_and_find_the_wait() -> None:
    experiment = planned(settings=Matrix(thread_count=(1,)), users=(1, 16))
    alone, crowded = found(experiment, sweep(experiment)).splits
    assert (alone.users, crowded.users) == (1, 16)
    assert alone.wait == 0
    assert alone.run == pytest.approx(0.1003, rel=0.01)
    assert crowded.latency == pytest.approx(16 * 0.1003, rel=0.02)
    assert crowded.wait == pytest.approx(15 * 0.1003, rel=0.02)
    assert crowded.wait + crowded.run + crowded.rest == pytest.approx(crowded.latency)


@pytest.mark.parametrize("lost", ["queued_us", "service_times_us"])
def test_splits_are_not_guessed_where_answers_do_not_tell(lost: str) -> None:
    experiment = planned(settings=Matrix(thread_count=(1,)), users=(1, 16))
    measured = [msgspec.structs.replace(one, **{lost: []}) for one in sweep(experiment)]
    assert found(experiment, measured).splits == ()


def test_splits_need_a_lone_user() -> None:
    experiment = planned(settings=Matrix(thread_count=(1,)), users=(4, 16))
    assert found(experiment, sweep(experiment)).splits == ()


def test_find_gives_the_same_again() -> None:
    experiment = planned(settings=Matrix(thread_count=(1, 16)))
    measured = [step(setting=Setting(thread_count=16), users=64, repeat=each, noise=0.03) for each in range(6)]
    analysis = analyse(experiment, measured, cores=2)
    assert find(analysis) == find(analysis)
