import msgspec
import pytest

from functune.analysis.numbers.levels import levels_of
from functune.analysis.verdict.recommendation import Aim, Recommendation, recommend
from functune.experiments.model import Matrix
from functune.experiments.subject import Subject
from functune.run.measurement import Measurement
from functune.setting import Setting
from tests.analysis.simulated import CORES, planned, step, sweep

BOTH = Matrix(thread_count=(1, 16), process_count=(1, 2))


def reason(route: str, steps: list[Measurement]) -> str:
    found = recommend(Subject(route=route), levels_of(steps), aim=Aim(), cores=CORES)
    assert isinstance(found, Recommendation)
    return found.reason


@pytest.mark.parametrize(
    ("route", "cpu", "wait", "blocks", "parts"),
    [
        ("/sync/sleep", 0.0003, 0.0997, False, ["waits (300 µs of its 100 ms on the CPU)", "with 16 threads, "]),
        ("/sync/cpu", 0.02, 0.0, False, ["CPU-bound", "threads add no throughput", "2 processes gave 2.00 times"]),
        ("/async/cpu", 0.02, 0.0, False, ["CPU-bound"]),
        ("/async/sleep", 0.0003, 0.0997, False, ["awaits", "needs no threads: "]),
        ("/async/blocking", 0.0003, 0.0997, True, ["blocks its event loop", "serves 10.0 requests/s", "3,330"]),
    ],
)
def test_reason_names_what_limits_the_route(
    route: str, cpu: float, wait: float, blocks: bool, parts: list[str]
) -> None:
    experiment = planned(routes=(route,), settings=BOTH)
    found = reason(route, sweep(experiment, cpu=cpu, wait=wait, blocking=[route] if blocks else []))
    for part in parts:
        assert part in found


def threads_against(route: str, *, one: int, sixteen: int, wait: float, users: int = 16) -> str:
    """The reason from one thread and sixteen, at throughputs per second; ``wait`` is the waiting share of 20 ms."""
    few, many = (Setting(thread_count=threads) for threads in (1, 16))
    alone = step(route=route, setting=few, cpu=0.02 * (1 - wait), wait=0.02 * wait)

    def loaded(setting: Setting, rate: int) -> Measurement:
        return msgspec.structs.replace(
            alone, setting=setting, users=users, latencies_us=[round(users / rate * 1e6)] * rate, duration=1.0
        )

    return reason(route, [alone, loaded(few, one), loaded(many, sixteen)])


def test_reason_does_not_claim_threads_where_a_lock_lets_one_call_through() -> None:
    assert "threads add no throughput" in threads_against("/lock", one=50, sixteen=50, wait=0.95)
    assert "was not measured" in threads_against("/lock", one=50, sixteen=50, wait=0.95, users=2)


def test_reason_sees_computing_outside_the_gil() -> None:
    assert "outside the GIL: threads add throughput" in threads_against("/hash", one=50, sixteen=95, wait=0.0)


def test_reason_sees_what_holds_an_async_handler_back() -> None:
    route = "/async/offload"
    pooled = step(route=route, setting=Setting(thread_count=6), users=64)  # six at a time, as a pool of six does it
    steps = [
        step(route=route, handler="async def"),
        msgspec.structs.replace(pooled, handler="async def", setting=Setting()),
    ]
    assert "serves only about 6.0 requests at a time" in reason(route, steps)


def test_reason_sees_that_the_handler_is_not_what_takes_the_time() -> None:
    fast = step(route="/noop", handler="async def", cpu=0.001, wait=0)
    within = msgspec.structs.replace(fast, service_times_us=[20], cpu_times_us=[20])
    assert "takes 20.0 µs of the 1.00 ms a request takes" in reason("/noop", [within])


def test_reason_is_open_about_an_unknown_cause() -> None:
    assert "not known" in reason("/a", [step(route="/a", users=8), step(route="/a", users=16)])
    assert "not known" in reason("/b", [step(route="/b", users=users, handler="async def") for users in (1, 2)])


def test_reason_sees_an_async_handler_that_uses_the_pool() -> None:
    experiment = planned(routes=("/async/offload",), settings=Matrix(thread_count=(1, 16)))
    pooled = [
        step(route="/async/offload", handler="def", setting=one.setting, users=one.users) for one in sweep(experiment)
    ]
    as_async = [msgspec.structs.replace(one, handler="async def") for one in pooled]
    assert "hand work to the thread pool" in reason("/async/offload", as_async)
