import pytest

from functune.analysis.laws.bounds import Bound, Demand, bound, demand_of, thread_law
from functune.analysis.numbers.levels import levels_of
from functune.run.measurement import Handler
from functune.setting import Setting
from tests.analysis.simulated import planned, step, sweep

SLEEP = Demand(service=0.1, cpu=0.001)
BURN = Demand(service=0.02, cpu=0.02)


@pytest.mark.parametrize(
    ("needs", "users", "setting", "handler", "cores", "expected"),
    [
        (SLEEP, 1, Setting(thread_count=4), "def", 2, Bound(throughput=10, limit="users")),
        (SLEEP, 64, Setting(thread_count=4), "def", 2, Bound(throughput=40, limit="threads")),
        (SLEEP, 64, Setting(thread_count=4, process_count=2), "def", 2, Bound(throughput=80, limit="threads")),
        (SLEEP, 64, Setting(thread_count=4), "async def", 2, Bound(throughput=640, limit="users")),
        (SLEEP, 500, Setting(), "def", 2, Bound(throughput=1000, limit="cpu")),
        (SLEEP, 64, Setting(thread_count=4), None, 2, Bound(throughput=40, limit="threads")),
        (BURN, 64, Setting(process_count=4), "def", 2, Bound(throughput=100, limit="cpu")),
        (BURN, 64, Setting(process_count=4), "def", None, Bound(throughput=200, limit="cpu")),
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


def test_bound_is_never_exceeded_by_a_closed_loop() -> None:
    steps = sweep(planned())
    needs = demand_of(levels_of(steps))
    assert needs is not None
    for one in steps:
        limit = bound(needs, users=one.users, setting=one.setting, handler=one.handler, cores=2).throughput
        assert one.throughput <= limit * 1.01  # whole requests in a window of three seconds
