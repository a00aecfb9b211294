import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functune.analysis.numbers import statistics


@pytest.mark.parametrize(("q", "least"), [(0.5, 6), (0.9, 36), (0.95, 72), (0.99, 368), (0.999, 3688)])
def test_percentile_is_refused_below_the_sample_its_interval_needs(q: float, least: int) -> None:
    assert statistics.minimum_sample(q) == least
    assert statistics.percentile(range(least - 1), q) is None
    assert statistics.percentile_interval(range(least - 1), q) is None
    assert statistics.percentile(range(least), q) is not None
    assert statistics.percentile_interval(range(least), q) is not None


def test_percentile_is_the_order_statistic() -> None:
    assert statistics.percentile(range(1, 101), 0.95) == 95
    assert statistics.percentile(range(1, 101), 0.5) == 50


@settings(deadline=None)  # a deadline would measure the machine's noise
@given(st.lists(st.integers(0, 10**9), min_size=6, max_size=200))
def test_percentile_was_measured(sample: list[int]) -> None:
    assert statistics.percentile(sample, 0.5) in sample


@pytest.mark.parametrize("q", [0.5, 0.9, 0.95, 0.99])
def test_percentile_and_interval_are_those_of_other_implementations(q: float) -> None:
    """numpy's order statistic, and the counts by all of scipy's binomial probabilities."""
    from scipy.special import bdtr

    least = statistics.minimum_sample(q)
    for size in (*range(least, least + 300), 1_000, 4_321, 20_000):
        sample = np.arange(size)
        assert statistics.percentile(sample, q) == np.quantile(sample, q, method="inverted_cdf")
        below = bdtr(np.arange(size), size, q)
        low = np.searchsorted(below, statistics.TAIL, side="right")
        high = np.searchsorted(below, 1 - statistics.TAIL, side="left") + 1
        assert statistics.percentile_interval(sample, q) == statistics.Interval(low - 1, high - 1)


def test_percentile_interval_of_the_median_is_that_of_the_sign_test() -> None:
    # The 40th and 61st of 100: fewer than 40 heads in 100 fair tosses have a probability of 1.8 %, up to 40 of 2.8 %.
    assert statistics.percentile_interval(range(1, 101), 0.5) == statistics.Interval(40, 61)


def test_percentile_interval_covers_the_truth_as_often_as_it_says() -> None:
    chance = random.Random(7)
    intervals = [statistics.percentile_interval([chance.random() for _ in range(100)], 0.95) for _ in range(2000)]
    covered = sum(interval is not None and interval.low <= 0.95 <= interval.high for interval in intervals)
    assert 0.94 <= covered / len(intervals) <= 0.985  # at least 95 %; discrete, so a little more
