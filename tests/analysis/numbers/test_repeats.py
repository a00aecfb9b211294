import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest

from functune.analysis.numbers.repeats import Spread, ratio, spread

RUNS = 200


def gaussian(chance: np.random.Generator, repeats: int) -> tuple[list[float], float]:
    """Throughputs that scatter by 3 %, and the truth."""
    return list(chance.normal(200, 6, repeats)), 200.0


def throughput_of_threads(chance: np.random.Generator, repeats: int) -> tuple[list[float], float]:
    """Calls that 4 always busy threads of 20 ms exponential service end in a window of 3 s: 200 a second."""
    ends = np.cumsum(chance.exponential(0.02, (repeats, 4, 400)), axis=2)
    first = 1.0  # the window opens when the threads are long out of step
    return list(((ends > first) & (ends <= first + 3)).sum(axis=(1, 2)) / 3), 200.0


def p95_of_a_queue(chance: np.random.Generator, repeats: int) -> tuple[list[float], float]:
    """p95 response of 2000 calls of an M/M/1 queue 60 % full, which follow one another and are skewed."""
    arrivals, service, calls = 60.0, 100.0, 2000
    gaps = chance.exponential(1 / arrivals, (calls, repeats))
    work = chance.exponential(1 / service, (calls, repeats))
    wait = np.where(chance.random(repeats) < 0.6, chance.exponential(1 / 40, repeats), 0.0)  # as in steady state
    responses = np.empty((calls, repeats))
    for call in range(calls):
        responses[call] = wait + work[call]
        wait = np.maximum(0.0, responses[call] - gaps[call])
    return list(np.quantile(responses, 0.95, axis=0, method="inverted_cdf")), -math.log(0.05) / (service - arrivals)


@pytest.mark.parametrize("repeats", [5, 7, 10])
@pytest.mark.parametrize("runs", [gaussian, throughput_of_threads, p95_of_a_queue])
def test_spread_covers_the_truth_in_ninety_to_ninety_nine_percent_of_simulated_runs(
    runs: Callable[[np.random.Generator, int], tuple[list[float], float]], repeats: int
) -> None:
    chance = np.random.default_rng(2026)
    values, truth = runs(chance, RUNS * repeats)
    covered = 0
    for batch in itertools.batched(values, repeats, strict=True):
        found = spread(batch, generator=chance)
        assert found is not None
        assert found.is_interval
        covered += found.low <= truth <= found.high
    assert 0.90 * RUNS <= covered <= 0.99 * RUNS


def test_spread_of_few_repeats_is_a_range_and_of_one_nothing() -> None:
    chance = np.random.default_rng(1)
    assert spread([10.0], generator=chance) is None
    found = spread([10.0, 12.0, 11.0, 9.0], generator=chance)
    assert found == Spread(low=9.0, high=12.0, repeats=4)
    assert not found.is_interval
    assert str(found) == "9.00 to 12.0 (range of 4 repeats)"


def test_spread_of_equal_repeats_has_no_width() -> None:
    found = spread([10.0] * 5, generator=np.random.default_rng(1))
    assert found is not None
    assert (found.low, found.high) == pytest.approx((10, 10))
    assert str(found) == "10.0 to 10.0 (95 % interval of 5 repeats)"


def test_spread_is_the_same_from_the_same_seed() -> None:
    values = [100.0, 103.0, 98.0, 101.0, 97.5]
    assert spread(values, generator=np.random.default_rng(5)) == spread(values, generator=np.random.default_rng(5))


def test_spread_takes_no_value_of_zero() -> None:
    with pytest.raises(ValueError, match="a repeat gave 0: allowed are values above 0"):
        spread([1.0, 0.0], generator=np.random.default_rng(1))


def test_ratio_is_not_widened_by_what_slows_whole_rounds() -> None:
    chance = np.random.default_rng(3)
    rounds = dict(enumerate((1.0, 0.7, 0.9, 0.6, 0.8, 1.0)))
    slower = {repeat: 100 * slow * chance.normal(1, 0.01) for repeat, slow in rounds.items()}
    faster = {repeat: 120 * slow * chance.normal(1, 0.01) for repeat, slow in rounds.items()}
    paired = ratio(faster, slower, generator=chance)
    assert paired is not None
    assert 1.15 < paired.low < 1.2 < paired.high < 1.25
    alone = spread(list(faster.values()), generator=chance)
    assert alone is not None
    assert alone.high / alone.low > 3 * paired.high / paired.low / 2


def test_ratio_covers_the_truth_as_often_as_it_says() -> None:
    chance = np.random.default_rng(8)
    covered = 0
    for _ in range(RUNS):
        slow = chance.uniform(0.7, 1, 5)
        over, values = (dict(enumerate(level * slow * chance.normal(1, 0.03, 5))) for level in (100, 110))
        found = ratio(values, over, generator=chance)
        assert found is not None
        covered += found.low <= 1.1 <= found.high
    assert 0.90 * RUNS <= covered <= 0.99 * RUNS


def test_ratio_needs_repeats_in_common() -> None:
    chance = np.random.default_rng(1)
    assert ratio({0: 1.0, 1: 1.0}, {1: 1.0, 2: 1.0}, generator=chance) is None
    assert ratio({0: 3.0, 1: 4.0, 2: 9.0}, {0: 1.0, 1: 2.0}, generator=chance) == Spread(low=2.0, high=3.0, repeats=2)
