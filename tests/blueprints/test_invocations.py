import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueprints.invocations import Invocation, InvocationCounter, queued_ms
from blueprints.workload import burn


def test_counter_is_exact_across_threads() -> None:
    counter = InvocationCounter()
    together = threading.Barrier(8)

    def invoke(index: int) -> None:
        counter.enter(f"function{index % 2}")
        together.wait(timeout=30)  # all eight are in flight here
        counter.leave()
        for _ in range(500):
            counter.enter("often")
            counter.leave()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(invoke, range(8)))
    assert counter.snapshot() == {
        "inFlight": 0,
        "peakInFlight": 8,
        "total": 8 + 8 * 500,
        "byFunction": {"function0": 4, "function1": 4, "often": 4000},
    }


def test_invocation_leaves_when_the_handler_raises() -> None:
    before = Invocation("test", None)
    with before:
        pass
    with pytest.raises(KeyError), Invocation("test", None):
        raise KeyError
    with Invocation("test", None) as after:
        assert after.in_flight == before.in_flight == 1


async def test_cpu_ms_leaves_out_what_others_compute_meanwhile() -> None:
    async def busy() -> None:
        burn(0.1)

    with Invocation("test", None) as invocation:
        burn(0.01)
        await invocation.wait(asyncio.gather(busy(), busy()))
        cpu_ms = invocation.cpu_ms()
    assert 10 <= cpu_ms < 100


@pytest.mark.parametrize(
    ("sent_at", "expected"),
    [
        (None, None),
        ("", None),
        ("yesterday", None),
        ("nan", None),
        ("inf", None),
        ("-inf", None),
        ("99.75", 250.0),
        ("100", 0.0),
        ("100.5", 0.0),
    ],
)
def test_queued_ms_is_the_wait_or_nothing(sent_at: str | None, expected: float | None) -> None:
    assert queued_ms(sent_at, now=100.0) == expected


@given(st.text())
def test_queued_ms_is_never_negative(sent_at: str) -> None:
    waited = queued_ms(sent_at, now=time.time())
    assert waited is None or waited >= 0
