"""Instances that follow, and requests that wait."""

import numpy as np
import pytest

from functune.capacity.course import held, lagging, waits
from functune.capacity.latencies import Mixture, mixture


def test_what_was_needed_is_kept_for_a_while() -> None:
    needed = np.array([0, 0, 5, 1, 0, 0, 0, 2, 0], dtype=float)
    assert held(needed, 3).tolist() == [0, 0, 5, 5, 5, 5, 1, 2, 2]
    assert held(needed, 0).tolist() == needed.tolist()
    assert held(needed, 1e15).tolist() == [0, 0, 5, 5, 5, 5, 5, 5, 5]


def test_new_instances_come_late_and_at_most_so_many_at_a_time() -> None:
    needed = np.array([1, 1, 10, 10, 10, 10, 10, 10, 2, 2], dtype=float)
    assert lagging(needed, delay=2, most_per_moment=4).tolist() == [1, 1, 1, 1, 5, 9, 10, 10, 2, 2]
    assert lagging(needed, delay=0, most_per_moment=100).tolist() == needed.tolist()


def test_burst_waits_until_it_is_served_and_the_last_one_longest() -> None:
    """
    100 a second for 10 s at 40 a second leave 600: the last of them waits 15 s.

    With the 10 that go on coming it takes 20 s until nobody waits.
    """
    rates = np.concatenate([np.full(10, 100.0), np.full(200, 10.0)])
    found = waits(rates, np.full(210, 40.0), 1.0)
    assert found.argmax() == 9
    assert found[9] == pytest.approx(600 / 40)
    assert found[30:].max() == 0
    assert waits(np.full(9, 3.0), np.full(9, 3.0), 1.0).max() == 0


def test_overload_waits_longer_and_longer() -> None:
    found = waits(np.full(1000, 12.0), np.full(1000, 10.0), 1.0)
    assert (np.diff(found) > 0).all()
    assert found[-1] == pytest.approx(200, rel=0.01)


def share_above(found: Mixture, seconds: float) -> float:
    """The share of the requests that take longer."""
    return float(found.weights[found.values > seconds].sum() / found.weights.sum())


def test_latencies_are_weighted_by_requests() -> None:
    rows = np.array([[0.1, 0.2], [1.0, 2.0]])
    row = np.array([0, 0, 1])
    found = mixture(rows, row, np.array([50.0, 49.0, 1.0]), np.zeros(3), np.zeros(3), 9.0)
    assert found.quantiles([0.4, 0.9, 0.999]) == [0.1, 0.2, 2.0]
    assert share_above(found, 0.5) == pytest.approx(0.01)


def test_waits_and_starts_come_on_top() -> None:
    rows, row = np.array([[0.1]]), np.zeros(4, dtype=int)
    found = mixture(rows, row, np.ones(4), np.array([0, 0, 3.0, 3.0]), np.array([0.5, 0.5, 0, 0]), 2.0)
    assert sorted(set(np.round(found.values[found.weights > 0], 6))) == [0.1, 2.1, 3.1]
    assert share_above(found, 3) == pytest.approx(0.5)
    assert share_above(found, 2) == pytest.approx(0.75)
