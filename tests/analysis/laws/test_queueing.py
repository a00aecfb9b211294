"""The formulas against published values, and against a simulation of the same queue, event by event."""

import heapq
import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functune.analysis.laws import queueing

CALLS = 40_000


def first_come_first_served(gaps: Sequence[float], work: Sequence[float], servers: int) -> np.ndarray:
    """The wait of each call: the server that is free first takes it."""
    free = [0.0] * servers
    now = 0.0
    waits = np.empty(len(gaps))
    for call, (gap, seconds) in enumerate(zip(gaps, work, strict=True)):
        now += gap
        start = max(now, free[0])
        heapq.heapreplace(free, start + seconds)
        waits[call] = start - now
    return waits


def processor_sharing(gaps: Sequence[float], work: Sequence[float]) -> float:
    """The mean response where all calls inside get equal shares of one core."""
    inside: list[tuple[float, float]] = []  # the share handed out so far at which a call is done, and its arrival
    now = handed = total = 0.0
    arrival = 0.0
    for gap, seconds in zip(gaps, work, strict=True):
        arrival += gap
        while inside and now + (inside[0][0] - handed) * len(inside) <= arrival:
            now += (inside[0][0] - handed) * len(inside)
            handed, arrived = heapq.heappop(inside)
            total += now - arrived
        if inside:
            handed += (arrival - now) / len(inside)
        now = arrival
        heapq.heappush(inside, (handed + seconds, arrival))
    while inside:
        now += (inside[0][0] - handed) * len(inside)
        handed, arrived = heapq.heappop(inside)
        total += now - arrived
    return total / len(gaps)


@pytest.mark.parametrize(
    ("servers", "load", "waits", "relative"),
    [(4, 2.5, 0.320, 0.213), (16, 12.8, 0.305, 0.095), (32, 25.6, 0.161, 0.025)],
)
def test_erlang_c_gives_the_published_figures(servers: int, load: float, waits: float, relative: float) -> None:
    """The last two have the same utilisation: pooling twice the servers waits a quarter."""
    assert queueing.erlang_c(servers, load) == pytest.approx(waits, abs=6e-4)
    assert queueing.wait(load, 1.0, servers) == pytest.approx(relative, abs=6e-4)
    assert queueing.response(load, 1.0, servers) == pytest.approx(1 + relative, abs=6e-4)


@given(st.integers(1, 60), st.floats(0.01, 100))
def test_erlang_b_is_the_share_that_its_sum_says(servers: int, load: float) -> None:
    terms = [math.exp(k * math.log(load) - math.lgamma(k + 1)) for k in range(servers + 1)]
    assert queueing.erlang_b(servers, load) == pytest.approx(terms[-1] / sum(terms), rel=1e-9)


def test_erlang_b_of_a_thousand_servers_does_not_overflow() -> None:
    assert 0 < queueing.erlang_b(1000, 1000.0) < 0.05


@given(st.floats(0.01, 0.99))
def test_one_server_waits_as_mm1_says(busy: float) -> None:
    assert queueing.erlang_c(1, busy) == pytest.approx(busy)
    assert queueing.response(busy, 1.0, 1) == pytest.approx(1 / (1 - busy))
    assert queueing.wait_general(busy, 1.0, 1, service_variation=1) == pytest.approx(queueing.wait(busy, 1.0, 1))
    pollaczek_khinchine = busy * (1 + 0.3**2) / (2 * (1 - busy))
    assert queueing.wait_general(busy, 1.0, 1, service_variation=0.3) == pytest.approx(pollaczek_khinchine)


@pytest.mark.parametrize(("servers", "arrival_rate"), [(1, 6.0), (4, 30.0), (16, 140.0)])
def test_wait_is_that_of_simulated_threads(servers: int, arrival_rate: float) -> None:
    chance = np.random.default_rng(servers)
    waits = first_come_first_served(
        chance.exponential(1 / arrival_rate, CALLS).tolist(), chance.exponential(0.1, CALLS).tolist(), servers
    )
    assert waits.mean() == pytest.approx(queueing.wait(arrival_rate, 0.1, servers), rel=0.12)
    assert (waits > 0).mean() == pytest.approx(queueing.erlang_c(servers, arrival_rate * 0.1), abs=0.02)


@pytest.mark.parametrize(("servers", "tolerance"), [(1, 0.08), (4, 0.12)])
def test_wait_for_equal_services_is_about_half(servers: int, tolerance: float) -> None:
    """A handler that always sleeps equally long; for several servers the correction is an approximation."""
    chance = np.random.default_rng(9)
    arrival_rate = 8.5 * servers
    waits = first_come_first_served(chance.exponential(1 / arrival_rate, CALLS).tolist(), [0.1] * CALLS, servers)
    expected = queueing.wait_general(arrival_rate, 0.1, servers, service_variation=0)
    assert waits.mean() == pytest.approx(expected, rel=tolerance)
    assert expected == pytest.approx(queueing.wait(arrival_rate, 0.1, servers) / 2)


def test_wait_of_uneven_services_grows_with_their_square() -> None:
    """One in ten calls takes ten times as long as the others: v_s^2 = 2.02."""
    chance = np.random.default_rng(10)
    work = np.where(chance.random(CALLS) < 0.1, 1.0, 0.1)
    waits = first_come_first_served(chance.exponential(1 / 2.0, CALLS).tolist(), work.tolist(), 1)
    variation = math.sqrt(0.1 * 1.0 + 0.9 * 0.01 - 0.19**2) / 0.19
    assert waits.mean() == pytest.approx(queueing.wait_general(2.0, 0.19, 1, service_variation=variation), rel=0.08)


@pytest.mark.parametrize("uneven", [False, True], ids=["equal demands", "uneven demands"])
def test_shared_response_depends_on_the_mean_demand_only(uneven: bool) -> None:
    chance = np.random.default_rng(12)
    work = np.where(chance.random(CALLS) < 0.5, 0.002, 0.038) if uneven else np.full(CALLS, 0.02)
    found = processor_sharing(chance.exponential(1 / 35, CALLS).tolist(), work.tolist())
    assert found == pytest.approx(queueing.shared_response(35, 0.02), rel=0.08)


def test_a_full_server_is_refused_with_its_utilisation() -> None:
    with pytest.raises(ValueError, match=r"the utilisation is 1\.2: allowed is below 1"):
        queueing.wait(12, 0.1, 1)
    with pytest.raises(ValueError, match="the utilisation is 1: allowed"):
        queueing.erlang_c(4, 4.0)
    with pytest.raises(ValueError, match=r"the utilisation is 2\.5"):
        queueing.shared_response(50, 0.05)
    with pytest.raises(ValueError, match="servers 0"):
        queueing.wait(1, 0.1, 0)
    with pytest.raises(ValueError, match="offered load is -1"):
        queueing.erlang_b(1, -1)
