"""The throttle of host.json and the concurrency of one instance: who goes in, who waits, who is refused."""

import asyncio
import time
from pathlib import Path

import pytest

from functune.host.limits import Gate, OverflowedError
from tests.host.serving import APPS, Serving, wait_until

LIMIT = "AzureFunctionsJobHost__extensions__http__max"


async def entered(gate: Gate) -> bool:
    """Whether a request gets in without waiting; it waits on in the background otherwise."""
    task = asyncio.create_task(gate.enter())
    WAITING.append(task)
    await asyncio.sleep(0)
    return task.done()


WAITING: list[asyncio.Task[None]] = []


async def test_gate_admits_its_number_at_a_time_and_the_rest_in_order() -> None:
    gate = Gate("g", concurrent=2)
    assert [await entered(gate) for _ in range(4)] == [True, True, False, False]
    third, fourth = WAITING[-2:]
    gate.leave()
    await third
    assert not fourth.done()
    gate.leave()
    await fourth
    assert gate.outstanding == 2


async def test_gate_counts_admitted_requests_among_the_outstanding() -> None:
    gate = Gate("g", concurrent=1, outstanding=2)
    assert [await entered(gate) for _ in range(2)] == [True, False]
    with pytest.raises(OverflowedError, match=r"limit of 2 has been exceeded \(g\)"):
        await gate.enter()
    gate.leave()
    await WAITING[-1]
    assert not await entered(gate)
    gate.leave()
    await WAITING[-1]
    gate.leave()
    assert gate.outstanding == 0


async def test_gate_without_concurrency_only_counts() -> None:
    gate = Gate("g", outstanding=2)
    assert [await entered(gate) for _ in range(2)] == [True, True]
    with pytest.raises(OverflowedError):
        await gate.enter()
    gate.leave()
    assert await entered(gate)


async def test_request_that_is_given_up_while_it_waits_frees_its_place() -> None:
    gate = Gate("g", concurrent=1, outstanding=3)
    assert [await entered(gate) for _ in range(3)] == [True, False, False]
    second, third = WAITING[-2:]
    second.cancel()
    await asyncio.wait({second})
    assert gate.outstanding == 2
    gate.leave()
    await third
    gate.leave()
    assert gate.outstanding == 0
    assert await entered(gate)


@pytest.mark.parametrize("is_cancelled_first", [True, False])
async def test_request_that_is_given_up_at_its_turn_passes_the_turn_on(is_cancelled_first: bool) -> None:
    gate = Gate("g", concurrent=1)
    assert [await entered(gate) for _ in range(3)] == [True, False, False]
    second, third = WAITING[-2:]
    for step in (second.cancel, gate.leave) if is_cancelled_first else (gate.leave, second.cancel):
        step()
    await asyncio.wait({second})
    assert second.cancelled()
    await third
    gate.leave()
    assert gate.outstanding == 0


def test_throttle_refuses_what_is_too_much_before_it_looks_at_the_route(tmp_path: Path) -> None:
    """A runs and B waits, which makes two; B goes away; C takes its place."""
    with Serving(APPS / "faults", **{f"{LIMIT}ConcurrentRequests": "1", f"{LIMIT}OutstandingRequests": "2"}) as host:
        host.ready()
        a = host.send(f"/api/held?until={tmp_path}/go")
        host.line("waiting")
        b = host.send("/api/pid")
        for path in ("/api/pid", "/api/no/such/route"):
            refused = host.get(path)
            assert (refused.status_code, refused.content) == (429, b"")
            assert refused.headers["x-function-scaleout"] == "1"
        host.line("Http request queue limit of 2 has been exceeded")
        assert host.get("/admin/host/status").status_code == 200
        b.give_up()
        assert host.get("/admin/host/ping").status_code == 200  # the end of B was read by now
        c = host.send("/api/pid")
        assert not a.is_answered()
        assert not c.is_answered()
        (tmp_path / "go").touch()
        assert [call.answer().status_code for call in (a, c)] == [200, 200]


def test_per_instance_concurrency_has_the_rest_wait_in_order() -> None:
    with Serving(APPS / "faults", "--per-instance-concurrency", "1") as host:
        host.ready()
        started = time.monotonic()
        calls = [host.send("/api/wait?s=0.3") for _ in range(3)]
        assert [call.answer().status_code for call in calls] == [200, 200, 200]
        assert time.monotonic() - started >= 3 * 0.299  # uvloop counts whole milliseconds
        wait_until(lambda: host.text.count("waiting") == 3, "line of each call")
