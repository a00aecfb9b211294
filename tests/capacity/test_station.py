"""The simulated instance against queueing theory."""

import math

import numpy as np
import pytest

from functune.analysis.laws.queueing import erlang_b, shared_response, wait
from functune.capacity.station import Simulated, Station, simulate

SERVICE = 0.1
STATIONS, REQUESTS = 512, 2_500
EXPONENTIAL = -np.log1p(-(np.arange(20_000) + 0.5) / 20_000)
CONSTANT = np.ones(1)
LOADS = [(1, 0.5), (4, 0.8), (16, 0.8)]


def queue(servers: int, busy: float, sizes: np.ndarray, *, seed: int = 1, refusing: bool = False) -> Simulated:
    """Many stations of that many servers, each busy for that share of the time."""
    stations = [Station(busy * servers / SERVICE, np.full(servers, SERVICE))] * STATIONS
    return simulate(stations, sizes / sizes.mean(), requests=REQUESTS, seed=seed, refusing=refusing)


def deterministic_wait(rate: float, service: float, servers: int) -> float:
    """
    The mean wait in M/D/c, from the numbers in the system S seconds apart (Crommelin, 1932).

    Those in service at a moment have left S seconds later, and nobody else has: n becomes max(n - c, 0) plus what has
    arrived. The stationary distribution of that chain is that of any moment, and Little's law gives the wait.
    """
    load, states = rate * service, 40 * servers + 200
    counts = np.arange(states)
    arrivals = np.exp(counts * math.log(load) - load - np.array([math.lgamma(n + 1) for n in counts]))
    chain = np.zeros((states, states))
    for state in range(states):
        left = max(state - servers, 0)
        chain[state, left:] = arrivals[: states - left]
        chain[state, -1] += 1 - chain[state].sum()
    stationary = np.linalg.solve(
        np.vstack([(chain.T - np.eye(states))[:-1], np.ones(states)]), np.append(np.zeros(states - 1), 1.0)
    )
    return (float(counts @ stationary) - load) / rate


@pytest.mark.parametrize(("servers", "busy"), LOADS)
def test_waits_are_those_of_erlang_c_for_exponential_sizes(servers: int, busy: float) -> None:
    found = queue(servers, busy, EXPONENTIAL)
    assert found.waits.mean() == pytest.approx(wait(busy * servers / SERVICE, SERVICE, servers), rel=0.02)


@pytest.mark.parametrize(("servers", "busy"), LOADS)
def test_waits_are_those_of_a_queue_of_constant_sizes(servers: int, busy: float) -> None:
    found = queue(servers, busy, CONSTANT)
    assert found.waits.mean() == pytest.approx(deterministic_wait(busy * servers / SERVICE, SERVICE, servers), rel=0.02)


def test_reference_of_constant_sizes_is_the_known_formula_for_one_server() -> None:
    assert deterministic_wait(8, 0.1, 1) == pytest.approx(0.8 * 0.1 / (2 * 0.2), rel=1e-6)


@pytest.mark.parametrize(("servers", "busy"), LOADS)
@pytest.mark.parametrize("sizes", [EXPONENTIAL, CONSTANT], ids=["exponential", "constant"])
@pytest.mark.parametrize("refusing", [False, True])
def test_littles_law_holds_at_every_station(servers: int, busy: float, sizes: np.ndarray, refusing: bool) -> None:
    """The requests in a station are integrated over time, the latencies are those of each request."""
    stations = [Station(busy * servers / SERVICE, np.full(servers, SERVICE))] * 64
    found = simulate(stations, sizes / sizes.mean(), requests=500, seed=2, refusing=refusing)
    assert found.in_flight == pytest.approx(found.rates * found.means, rel=1e-9)


@pytest.mark.parametrize("sizes", [EXPONENTIAL, CONSTANT], ids=["exponential", "constant"])
def test_full_station_refuses_the_share_of_erlang_b_whatever_the_sizes(sizes: np.ndarray) -> None:
    found = queue(4, 0.8, sizes, refusing=True)
    assert np.isnan(found.latencies).mean() == pytest.approx(erlang_b(4, 3.2), rel=0.02)
    assert np.nanmax(found.waits) == 0


@pytest.mark.parametrize("sizes", [EXPONENTIAL, CONSTANT], ids=["exponential", "constant"])
def test_requests_that_share_a_core_have_the_mean_of_processor_sharing(sizes: np.ndarray) -> None:
    """R(n) = n D: the mean depends on the mean size alone."""
    stations = [Station(7.0, SERVICE * np.arange(1, 129))] * STATIONS
    found = simulate(stations, sizes / sizes.mean(), requests=REQUESTS, seed=3)
    assert found.latencies.mean() == pytest.approx(shared_response(7.0, SERVICE), rel=0.02)


def test_stations_of_different_rates_and_slots_are_simulated_side_by_side() -> None:
    several = [Station(5.0, np.full(1, SERVICE)), Station(30.0, np.full(8, SERVICE))] * (STATIONS // 2)
    found = simulate(several, CONSTANT, requests=REQUESTS, seed=4)
    assert found.waits[::2].mean() == pytest.approx(deterministic_wait(5.0, SERVICE, 1), rel=0.03)
    assert found.waits[1::2].mean() < 0.01 * SERVICE


@pytest.mark.parametrize("refusing", [False, True])
def test_simulation_is_the_same_from_the_same_seed(refusing: bool) -> None:
    stations = [Station(30.0, np.full(4, SERVICE))] * 8
    one, other = (simulate(stations, EXPONENTIAL, requests=100, seed=5, refusing=refusing) for _ in range(2))
    for found, again in zip(one, other, strict=True):
        assert np.array_equal(found, again, equal_nan=True)
