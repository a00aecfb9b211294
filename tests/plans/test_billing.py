import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functune.plans.billing import BILLED_STEP, MINIMUM_BILLED, billed_time, busy_cost, fixed_cost
from functune.plans.price_list import flex_prices


def bill(*calls: tuple[float, float]) -> float:
    """Seconds billed for calls by start and response."""
    starts, responses = zip(*calls, strict=True)
    return billed_time(np.array(starts), np.array(responses))


@pytest.mark.parametrize(
    ("calls", "seconds"),
    [
        ([(0.0, 0.05)], 1.0),
        ([(0.0, 1.0)], 1.0),
        ([(0.0, 1.01)], 1.1),
        ([(0.0, 2.34)], 2.4),
        ([(0.0, 0.05), (0.5, 0.05), (0.9, 0.05)], 1.0),
        ([(0.0, 0.05), (5.0, 0.05)], 2.0),
        ([(0.0, 0.5), (0.25, 0.5), (0.5, 0.5)], 1.0),
        ([(0.0, 0.05), (0.98, 0.05)], 2.0),
        ([(0.0, 0.05), (0.5, 2.5)], 3.0),
        ([(0.0, 3.0), (1.0, 0.1)], 3.0),
    ],
    ids=[
        "a short call pays a second",
        "a second is a second",
        "longer ones pay steps of 0.1 s",
        "rounded up",
        "calls within a paid second are free",
        "calls far apart pay each",
        "overlapping calls share",
        "what sticks out of a paid second pays another from its end",
        "a long call pays from the end of the paid second",
        "a call inside a longer one is free",
    ],
)
def test_billed_follows_the_hosts_rule(calls: list[tuple[float, float]], seconds: float) -> None:
    assert bill(*calls) == pytest.approx(seconds)


@given(st.lists(st.tuples(st.floats(0, 20), st.floats(0.001, 5)), min_size=1, max_size=30))
def test_billed_is_at_least_the_time_executing_and_never_twice_the_same(calls: list[tuple[float, float]]) -> None:
    calls.sort()
    moments = np.arange(0, 26, 0.01)
    executing = sum(any(start <= moment < start + time for start, time in calls) for moment in moments) * 0.01
    billed, lasting = bill(*calls), max(start + time for start, time in calls) - calls[0][0]
    assert billed >= executing - 0.02 * len(calls)
    assert billed <= lasting + MINIMUM_BILLED + BILLED_STEP


def billed_share(rate: float, response: float, *, seed: int) -> float:
    """The billed share of the time of one instance for 20,000 Poisson arrivals."""
    starts = np.cumsum(np.random.default_rng(seed).exponential(1 / rate, 20_000))
    return billed_time(starts, np.full(len(starts), response)) / (starts[-1] + response - starts[0])


@pytest.mark.parametrize("rate", [0.1, 0.5, 1.0, 2.0, 5.0, 10.0])
@pytest.mark.parametrize("response", [0.05, 0.4])
def test_sparse_traffic_is_billed_for_the_share_of_the_formula(rate: float, response: float) -> None:
    """After each second billed a call is inside, with 1 - exp(-L R), or a pause of 1 / L follows."""
    share = rate / (rate + math.exp(-rate * response))
    assert billed_share(rate, response, seed=1) == pytest.approx(share, rel=0.03 if response < 0.1 else 0.06)


def test_sparse_traffic_of_long_calls_is_billed_for_the_time_executing() -> None:
    """Calls of 20 s, where the minimum does not matter: someone is in for 1 - exp(-L R) of the time."""
    assert billed_share(0.03, 20.0, seed=2) == pytest.approx(1 - math.exp(-0.6), rel=0.03)


def test_dense_traffic_is_billed_for_all_of_the_time_and_lone_calls_for_a_second_each() -> None:
    assert billed_share(200, 0.1, seed=3) == pytest.approx(1, rel=0.01)
    assert billed_share(0.001, 0.05, seed=3) == pytest.approx(0.001, rel=0.01)


def test_busy_gives_the_figures_of_the_published_example() -> None:
    """40 requests/s on ten instances of 2 GB: $1.872 and $0.0576 an hour; all on one: $0.1872 and $0.0576."""
    for instances, hourly in ((10, 1.872 + 0.0576), (1, 0.1872 + 0.0576)):
        found = busy_cost(40 / instances, 2048)
        assert found.per_million * 40 * 3600 / 1e6 == pytest.approx(hourly)
    assert found.currency == "USD"


def test_busy_cost_falls_with_throughput_down_to_the_price_of_executions() -> None:
    costs = [busy_cost(throughput, 2048).per_million for throughput in (1, 10, 100, 1e9)]
    assert costs == sorted(costs, reverse=True)
    assert costs[-1] == pytest.approx(0.40)


def test_prices_are_the_callers() -> None:
    euros = msgspec.structs.replace(
        flex_prices(), currency="EUR", as_of="2026-11", gb_second=0.00002, million_executions=0.37
    )
    found = busy_cost(100, 512, euros)
    assert (found.per_million, found.currency) == (pytest.approx(0.5 / 100 * 1e6 * 0.00002 + 0.37), "EUR")


def test_fixed_price_is_shared_by_what_an_instance_serves() -> None:
    assert fixed_cost(100, 0.36).per_million == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: busy_cost(0, 2048), "throughput is 0 requests/s: allowed is above 0"),
        (lambda: busy_cost(1, 1024), "instance memory is 1024 MB: allowed are 512, 2048, 4096"),
        (lambda: fixed_cost(1, -1), "price -1 an hour"),
    ],
)
def test_what_has_no_cost_is_refused(call: object, message: str) -> None:
    assert callable(call)
    with pytest.raises(ValueError, match=message):
        call()
