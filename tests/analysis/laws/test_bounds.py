import msgspec
import numpy as np
import pytest

from functune.analysis.laws.bounds import Bound, Demand, bound, demand_of, thread_law
from functune.analysis.numbers.levels import levels_of
from functune.run.measurement import Handler
from functune.setting import Setting
from tests.analysis.simulated import planned, step, sweep
from tests.analysis.simulated_hosts import CORES, Host

SLEEP = Demand(service=0.1, cpu=0.001)
BURN = Demand(service=0.02, cpu=0.02)
UNDER_GIL = Demand(service=0.02, cpu=0.02, serial=True)


@pytest.mark.parametrize(
    ("needs", "users", "setting", "handler", "cores", "expected"),
    [
        (SLEEP, 1, Setting(thread_count=4), "def", 2, Bound(throughput=10, limit="users")),
        (SLEEP, 64, Setting(thread_count=4), "def", 2, Bound(throughput=40, limit="threads")),
        (SLEEP, 64, Setting(thread_count=4, process_count=2), "def", 2, Bound(throughput=80, limit="threads")),
        (SLEEP, 64, Setting(thread_count=4), "async def", 2, Bound(throughput=640, limit="users")),
        (SLEEP, 500, Setting(), "def", 2, Bound(throughput=2000, limit="cpu")),
        (SLEEP, 500, Setting(), "async def", 2, Bound(throughput=1000, limit="cpu")),
        (SLEEP, 64, Setting(thread_count=4), None, 2, Bound(throughput=40, limit="threads")),
        (BURN, 64, Setting(), "def", 2, Bound(throughput=100, limit="cpu")),
        (BURN, 64, Setting(), "def", None, Bound(throughput=3200, limit="users")),
        (UNDER_GIL, 64, Setting(), "def", 2, Bound(throughput=50, limit="cpu")),
        (UNDER_GIL, 64, Setting(process_count=4), "def", 2, Bound(throughput=100, limit="cpu")),
        (UNDER_GIL, 64, Setting(process_count=4), "def", None, Bound(throughput=200, limit="cpu")),
    ],
)
def test_bound_is_the_least_of_users_threads_and_cpu(
    needs: Demand, users: int, setting: Setting, handler: Handler | None, cores: int | None, expected: Bound
) -> None:
    found = bound(needs, users=users, setting=setting, handler=handler, cores=cores)
    assert found.limit == expected.limit
    assert found.throughput == pytest.approx(expected.throughput)


def test_thread_law_is_threads_times_processes_over_service_time() -> None:
    assert thread_law(SLEEP, Setting(thread_count=16, process_count=2)) == pytest.approx(320)


def test_demand_comes_from_single_user_steps_only() -> None:
    crowded = step(users=64, cpu=0.5, wait=0.5)
    found = demand_of(levels_of([step(cpu=0.001, wait=0.099), crowded]))
    assert found is not None
    assert (found.service, found.cpu) == pytest.approx((0.1, 0.001))
    assert demand_of(levels_of([crowded])) is None


PYTHON, HASHING = Host(cpu=0.02), Host(cpu=0.0005, outside=0.02)
MIXED = Host(cpu=0.005, wait=0.045)
MANY = Setting(thread_count=16)


def shown(host: Host, setting: Setting, users: int, **changed: object) -> bool | None:
    """Whether the step shows that calls compute one at a time, after that of a single user."""
    chance = np.random.default_rng(1)
    loaded = msgspec.structs.replace(host.measure(setting, users, chance), **changed)
    found = demand_of(levels_of([host.measure(Setting(), 1, chance), loaded]), cores=CORES)
    assert found is not None
    return found.serial


@pytest.mark.parametrize(
    ("host", "setting", "users", "expected"),
    [
        (PYTHON, Setting(thread_count=2), 2, True),
        (PYTHON, Setting(thread_count=1), 16, None),
        (PYTHON, MANY, 1, None),
        (PYTHON, msgspec.structs.replace(MANY, process_count=2), 16, None),
        (HASHING, Setting(thread_count=2), 2, False),
        (HASHING, Setting(thread_count=1), 16, None),
        (MIXED, MANY, 16, True),
        (MIXED, MANY, 4, None),
        (Host(outside=0.005, wait=0.045), MANY, 16, False),
        (Host(cpu=0.001, wait=0.1), MANY, 16, None),
    ],
)
def test_calls_compute_one_at_a_time_where_they_share_a_core_that_is_not_the_last(
    host: Host, setting: Setting, users: int, expected: bool | None
) -> None:
    """The threads, the users and the machine have to offer more than the one core that is used."""
    assert shown(host, setting, users) is expected


def test_one_core_shows_nothing_where_other_programs_use_the_rest_or_cores_are_unknown() -> None:
    assert shown(PYTHON, MANY, 16, other_cpu=0.9) is None
    assert shown(PYTHON, MANY, 16, worker_cpu={}) is None
    chance = np.random.default_rng(1)
    steps = levels_of([PYTHON.measure(MANY, users, chance) for users in (1, 16)])
    found = demand_of(steps)
    assert found is not None
    assert found.serial is None


def test_one_process_of_several_cores_refutes_what_other_steps_show() -> None:
    chance = np.random.default_rng(1)
    steps = [PYTHON.measure(MANY, users, chance) for users in (1, 4, 16)]
    steps[1] = msgspec.structs.replace(steps[1], worker_cpu={"4241": 0.1, "4242": 1.4})
    found = demand_of(levels_of(steps), cores=CORES)
    assert found is not None
    assert found.serial is False


def test_bound_is_never_exceeded_by_a_closed_loop() -> None:
    steps = sweep(planned())
    needs = demand_of(levels_of(steps))
    assert needs is not None
    for one in steps:
        limit = bound(needs, users=one.users, setting=one.setting, handler=one.handler, cores=2).throughput
        assert one.throughput <= limit * 1.01  # whole requests in a window of three seconds
