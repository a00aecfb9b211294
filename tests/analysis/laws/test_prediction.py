"""Queueing theory next to simulated arrivals."""

import msgspec
import numpy as np
import pytest

from functune.analysis.laws.prediction import predict
from functune.analysis.numbers.levels import Level, levels_of
from functune.setting import Setting
from tests.analysis.simulated import arrivals, level, step
from tests.analysis.simulated_hosts import CORES, Host

FOUR = Setting(thread_count=4)


def opened(rate: float, setting: Setting = FOUR) -> Level:
    """Arrivals at a rate, each of 100.3 ms on one of the setting's threads."""
    return level(arrivals(float(rate), setting=setting))


@pytest.mark.parametrize("rate", [10, 20, 30])
def test_threads_are_predicted_by_waiting_for_one_of_them(rate: int) -> None:
    found = predict(opened(rate), levels_of([step(setting=FOUR, users=1)]), cores=2)
    assert found is not None
    assert found.model == "threads"
    assert found.utilisation == pytest.approx(rate * 0.1003 / 4)
    assert found.expected == pytest.approx(found.measured, rel=0.15)


def test_computing_under_the_gil_is_predicted_by_sharing_a_core() -> None:
    chance = np.random.default_rng(1)
    closed = levels_of([Host(cpu=0.02).measure(FOUR, users, chance) for users in (1, 4)])
    found = predict(opened(25), closed, cores=CORES)
    assert found is not None
    assert found.model == "core"
    assert found.utilisation == pytest.approx(0.5, rel=0.01)
    assert found.expected == pytest.approx(0.02 / (1 - 25 * 0.02), rel=0.05)


def test_computing_outside_the_gil_is_predicted_by_sharing_all_cores() -> None:
    chance = np.random.default_rng(1)
    closed = levels_of([Host(cpu=0.0, outside=0.02).measure(FOUR, users, chance) for users in (1, 4)])
    found = predict(opened(75), closed, cores=CORES)
    assert found is not None
    assert (found.model, found.utilisation) == ("core", pytest.approx(0.75, rel=0.01))
    assert found.expected == pytest.approx(0.02 / (1 - 0.75**2), rel=0.05)  # M/M/2


def test_computing_is_not_predicted_where_no_step_shows_the_cores_of_a_process() -> None:
    closed = [level(step(setting=FOUR, users=1, cpu=0.02, wait=0))]
    assert predict(opened(25), closed, cores=2) is None
    one_thread = predict(opened(25, Setting(thread_count=1)), closed, cores=2)
    assert one_thread is not None
    assert one_thread.utilisation == pytest.approx(0.5)


def test_awaiting_is_predicted_to_wait_for_nothing() -> None:
    loop = msgspec.structs.replace(opened(30), handler="async def")
    found = predict(loop, levels_of([step(setting=FOUR, users=1, handler="async def")]), cores=2)
    assert found is not None
    assert (found.model, found.expected) == ("event loop", pytest.approx(0.1003, rel=0.01))


def test_nothing_is_predicted_of_coroutines_that_compute_more_than_their_loop_can() -> None:
    """40 ms of computing in each call of 100 ms: 20 calls a second keep the loop busy for 0.8 s, 30 for 1.2 s."""
    alone = levels_of([step(setting=FOUR, users=1, cpu=0.04, wait=0.06, handler="async def")])
    served, beyond = (
        predict(msgspec.structs.replace(opened(rate), handler="async def"), alone, cores=2) for rate in (20, 30)
    )
    assert served is not None
    assert served.utilisation == pytest.approx(0.8)
    assert beyond is None


def test_nothing_is_predicted_of_more_than_can_be_served_or_of_unknown_times() -> None:
    assert predict(opened(41), levels_of([step(setting=FOUR, users=1)]), cores=2) is None
    assert predict(opened(10), levels_of([step(setting=FOUR, users=4)]), cores=2) is None
    untold = msgspec.structs.replace(step(setting=FOUR, users=1), service_times_us=[], cpu_times_us=[])
    assert predict(opened(10), [level(untold)], cores=2) is None
