import math
import random

import msgspec
import numpy as np
import pytest

from functune.analysis.comparison import Comparison, change_in_words, compare_findings
from functune.analysis.experiment import analyse
from functune.analysis.numbers.repeats import Spread
from functune.analysis.ratio_of_runs import ratio_spread
from functune.experiments.model import Expectation, Matrix, Where
from functune.run.measurement import Measurement
from functune.setting import Setting
from tests.analysis.simulated import arrivals, planned, step

COUNTS = (1, 16)


def run(*, speed: float = 1.0, noise: float = 0.01, repeats: int = 6, seed: int = 0) -> list[Measurement]:
    """Both settings at 1 and 64 users, each repeat's throughput multiplied with ``speed`` and some noise."""
    chance = random.Random(seed)
    return [
        slowed(
            step(setting=Setting(thread_count=count), users=users, duration=20, repeat=repeat, jitter=0.05),
            speed * (1 + noise * chance.gauss(0, 1)),
        )
        for repeat in range(repeats)
        for count in COUNTS
        for users in (1, 64)
    ]


def slowed(one: Measurement, speed: float) -> Measurement:
    """The step with so many times the throughput: its window and latencies stretched."""
    return msgspec.structs.replace(
        one, duration=one.duration / speed, latencies_us=[round(latency / speed) for latency in one.latencies_us]
    )


def compared(before: list[Measurement], after: list[Measurement], *, margin: float = 0.05) -> Comparison:
    experiment = planned(settings=Matrix(thread_count=COUNTS), users=(1, 64))
    return compare_findings(
        [analyse(experiment, before, cores=2)], [analyse(experiment, after, cores=2)], margin=margin
    )


def test_a_slower_run_is_worse_and_a_faster_one_better() -> None:
    slower = compared(run(), run(speed=0.8, seed=1))
    assert slower.got_worse
    assert {change.metric for change in slower.of("worse")} == {"throughput", "p95"}
    assert len(slower.of("worse")) == len(slower.changes)
    faster = compared(run(), run(speed=1.25, seed=1))
    assert not faster.got_worse
    assert len(faster.of("better")) == len(faster.changes)


def test_the_same_run_twice_is_the_same() -> None:
    found = compared(run(), run(seed=1))
    assert not found.got_worse
    assert not found.of("better")
    assert found.of("same")
    assert (found.matched, found.only_before, found.only_after) == (4, 0, 0)


@pytest.mark.parametrize("seed", range(20))
def test_noise_alone_is_never_worse(seed: int) -> None:
    """The intervals hold for all figures together, so twenty noisy pairs give no false alarm."""
    found = compared(run(noise=0.06, seed=seed), run(noise=0.06, seed=1000 + seed))
    assert not found.got_worse


def test_a_change_below_the_margin_does_not_matter() -> None:
    before, after = run(noise=0.002), run(speed=0.97, noise=0.002, seed=1)
    assert not compared(before, after).got_worse
    assert compared(before, after, margin=0.01).got_worse
    assert not compared(after, before).of("better")
    assert compared(after, before, margin=0.01).of("better")


def test_few_repeats_take_all_of_them_to_agree() -> None:
    assert compared(run(repeats=3, noise=0.01), run(repeats=3, noise=0.01, speed=0.8, seed=1)).got_worse
    noisy = run(repeats=3, noise=0.0)
    one_good = [
        slowed(each, 0.7 if each.repeat else 1.2) for each in run(repeats=3, noise=0.0)
    ]  # slower on average, yet one repeat was faster
    assert not compared(noisy, one_good).got_worse


def test_single_measurements_are_judged_and_said_to_be_single() -> None:
    found = compared(run(repeats=1, noise=0), run(repeats=1, noise=0, speed=0.8))
    assert found.once
    assert found.got_worse
    assert all("measured once" in change.in_words for change in found.changes)
    assert not compared(run(), run(seed=1)).once


def test_a_change_is_a_percentage_and_from_a_doubling_on_a_factor() -> None:
    assert change_in_words(0.8, None) == "-20.0 %, measured once"
    assert change_in_words(1.999, None) == "+99.9 %, measured once"
    assert change_in_words(10.33, None) == "10.3 times, measured once"
    spread = Spread(low=1.9, high=2.1, repeats=3)
    assert change_in_words(2.0, spread) == "2.00 times, range 1.90 to 2.10"


def test_an_expectation_that_held_and_fails_is_broken() -> None:
    where = Where(thread_count=16, users=64)
    claim = Expectation(claim="it serves 150", metric="throughput", where=where, at_least=150)
    experiment = planned(settings=Matrix(thread_count=COUNTS), users=(1, 64), expect=(claim,))
    before = analyse(experiment, run(noise=0), cores=2)
    after = analyse(experiment, run(noise=0, speed=0.9), cores=2)
    found = compare_findings([before], [after], margin=0.5)
    [broken] = found.broken
    assert broken.what.startswith("expected: it serves 150; observed 14")
    assert broken.what.endswith("requests/s, allowed at least 150")
    assert found.got_worse
    assert compare_findings([after], [after], margin=0.5).broken == ()  # it failed before as well


def test_a_step_that_begins_to_fail_is_broken_however_fast() -> None:
    after = [msgspec.structs.replace(each, error_latencies_us=[900] * 100, errors={"HTTP 503": 100}) for each in run()]
    found = compared(run(), after)
    assert len(found.broken) == 4
    assert "of the requests fail, 0.0 % before" in found.broken[0].what


def test_steps_are_matched_by_their_load_and_the_others_counted() -> None:
    before = run()
    after = [each for each in run(seed=1) if each.users == 1]
    found = compared([*before, arrivals(50.0, share=0.5)], [*after, arrivals(60.0, share=0.6)])
    assert (found.matched, found.only_before, found.only_after) == (2, 3, 1)


def test_arrivals_compare_latency_and_not_the_rate_that_was_given() -> None:
    found = compared([arrivals(100.0)], [slowed(arrivals(100.0), 0.5)])
    assert [change.metric for change in found.changes] == ["p95"]
    assert found.got_worse


def test_ratio_spread_holds_the_true_ratio() -> None:
    chance = random.Random(1)
    inside = 0
    for _ in range(400):
        before, after = ([100 * (1 + 0.05 * chance.gauss(0, 1)) for _ in range(6)] for _ in range(2))
        spread = ratio_spread(before, after, among=1)
        assert spread is not None
        inside += spread.low <= 1 <= spread.high
    assert 0.92 <= inside / 400 <= 0.985
    assert ratio_spread([1.0], [1.0, 2.0], among=1) is None


def test_ratio_spread_is_the_interval_of_welch_by_another_implementation() -> None:
    """scipy's t-test of two samples with unequal variances, on logarithms."""
    from scipy.stats import ttest_ind  # slow to import, and every process of a test run collects this file

    before, after = [100.0, 104.0, 98.0, 101.0, 97.0], [120.0, 131.0, 118.0, 125.0, 140.0, 122.0]
    found = ratio_spread(before, after, among=3)
    assert found is not None
    welch = ttest_ind(np.log(after), np.log(before), equal_var=False).confidence_interval(1 - 0.05 / 3)
    assert (found.low, found.high) == pytest.approx((math.exp(welch.low), math.exp(welch.high)))


def test_margin_outside_its_range_is_refused() -> None:
    with pytest.raises(ValueError, match=r"margin is 1\.5"):
        compared(run(), run(), margin=1.5)


def opened(capacity: float, *, repeats: int = 3, slower: float = 1.0) -> list[Measurement]:
    """Arrivals at two shares of a capacity, in every repeat; ``slower`` stretches the latencies."""
    made = [
        arrivals(capacity * share, setting=Setting(thread_count=16), share=share, repeat=repeat, duration=10)
        for share in (0.5, 0.9)
        for repeat in range(repeats)
    ]
    return [
        msgspec.structs.replace(one, latencies_us=[round(latency * slower) for latency in one.latencies_us])
        for one in made
    ]


def test_arrivals_of_two_runs_are_matched_by_their_share_of_the_capacity() -> None:
    """Two runs never measure the same capacity, so no two rates are equal."""
    found = compared(opened(158.0), opened(161.3))
    assert (found.matched, found.only_before, found.only_after) == (2, 0, 0)
    assert [change.load for change in found.changes] == [
        "arrivals at 50 % of the capacity",
        "arrivals at 90 % of the capacity",
    ]
    assert [change.spread is not None and change.spread.repeats for change in found.changes] == [3, 3]
    assert not found.once
    assert not found.got_worse
    assert compared(opened(158.0), opened(161.3, slower=1.5)).got_worse


def test_repeats_of_both_runs_are_counted() -> None:
    found = compared(run(repeats=6), run(repeats=5, seed=1))
    assert {change.spread.repeats for change in found.changes if change.spread is not None} == {5}
    assert all(change.spread is not None for change in found.changes)
    assert all(change.spread is not None and change.spread.is_interval for change in found.changes)
