"""The settings that have a name, and how they compare with the recommended one."""

import msgspec
import pytest

from functune.analysis.experiment import SubjectFindings
from functune.analysis.numbers.levels import key_of, levels_of
from functune.experiments.model import Experiment, Matrix
from functune.formatting import number
from functune.plans.billing import busy_cost
from functune.run.measurement import Measurement
from functune.setting import Setting
from tests.analysis.simulated import findings, planned, step, sweep


def found(experiment: Experiment, measured: list[Measurement]) -> SubjectFindings:
    """The findings about an experiment's only subject."""
    [subject] = findings(experiment, measured).subjects
    return subject


def test_standings_name_the_recommended_the_fastest_and_the_defaults_once_each() -> None:
    experiment = planned(settings=Matrix(thread_count=(1, 16, "unset")))
    subject = found(experiment, sweep(experiment))
    assert [(one.names, one.setting) for one in subject.standings] == [
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
    subject = found(experiment, measured)
    recommended, other = subject.standings
    assert recommended.of_recommended is None
    assert other.names == ("next best",)
    assert other.of_recommended is not None
    assert other.of_recommended.value == pytest.approx(1 / 16, rel=0.02)
    assert other.of_recommended.spread is not None
    assert other.of_recommended.spread.low == pytest.approx(other.of_recommended.value, rel=0.02)
    assert other.of_recommended.spread.high == pytest.approx(other.of_recommended.spread.low)
    assert recommended.throughput.spread is not None
    assert recommended.throughput.spread.is_interval
    assert recommended.throughput.spread.low < recommended.throughput.value < recommended.throughput.spread.high


def test_standings_price_what_was_measured() -> None:
    experiment = msgspec.structs.replace(planned(settings=Matrix(thread_count=(16,))), memory_mb=4096)
    [only] = found(experiment, sweep(experiment)).standings
    assert only.cost is not None
    assert only.cost.value == pytest.approx(busy_cost(only.throughput.value, 4096).per_million)


def test_front_holds_what_nothing_beats_in_cost_and_latency() -> None:
    experiment = planned(settings=Matrix(thread_count=(1, 4, 16)), users=(8, 16, 64))
    subject = found(experiment, [one for one in sweep(experiment) if len(one.latencies_us) >= 72])
    front = subject.front_levels
    for one in front:
        for other in subject.levels:
            cost, p95 = one.figures.cost, one.figures.p95
            assert cost is not None
            assert p95 is not None
            assert not ((other.figures.cost or 0) < cost and (other.figures.p95 or 0) < p95)
    assert front


def test_one_interval_has_the_same_ends_wherever_it_is_read() -> None:
    experiment = planned(settings=Matrix(thread_count=(1, 4, 16)), users=(8, 64))
    measured = [
        step(setting=Setting(thread_count=count), users=users, duration=30, repeat=repeat, noise=0.05)
        for repeat in range(6)
        for count in (1, 4, 16)
        for users in (8, 64)
    ]
    subject = found(experiment, measured)
    assert subject.recommended is not None
    levels = {(level.setting, level.users): level for level in subject.levels}
    alone = {key_of(level): level for level in levels_of([one for one in measured if one.users == 64])}
    assert subject.recommended.next_best is not None
    for each in (*subject.recommended.evidence, subject.recommended.next_best):
        assert each.spread is not None
        assert each.spread.is_interval
        assert each.spread == levels[each.setting, each.users].spread
    for standing in subject.standings:
        level = levels[standing.setting, standing.users]
        assert standing.throughput.spread == level.spread
        assert standing.cost is not None
        assert standing.cost.spread == level.cost_spread
    for level in subject.levels:  # neither other levels nor their order matter
        if level.users == 64:
            assert alone[key_of(level)].spread == level.spread


def test_ratio_in_the_certainty_is_the_inverse_of_that_in_the_standings() -> None:
    experiment = planned(settings=Matrix(thread_count=(1, 16)), users=(64,))
    measured = [
        step(setting=Setting(thread_count=count), users=64, duration=30, repeat=repeat, noise=0.05)
        for repeat in range(6)
        for count in (1, 16)
    ]
    subject = found(experiment, measured)
    other = subject.standings[1].of_recommended
    assert other is not None
    assert other.spread is not None
    assert subject.recommended is not None
    low, high = (number(1 / end) for end in (other.spread.high, other.spread.low))
    assert subject.recommended.certainty.startswith(
        f"With 95 % confidence it serves {low} to {high} times as much as 1 thread in 1 process, the next best."
    )
