import asyncio
import threading
import time
from statistics import median
from typing import Any

import pytest

from blueprints import health, workload
from tests.blueprints.conftest import Call, named

SLEEPS = [workload.sync_sleep, workload.async_sleep, workload.async_blocking, workload.async_offload]
BURNS = [workload.sync_cpu, workload.async_cpu]


@pytest.mark.parametrize("handler", SLEEPS, ids=named)
async def test_sleep_waits_without_computing(call: Call, handler: Any) -> None:
    answer = await call(handler, {"ms": "60", "code": "a-function-key"})
    assert answer.status == 200
    assert answer.mimetype == "application/json"
    assert list(answer.body) == ["handler", "ms", "elapsedMs", "cpuMs", "worker"]
    assert answer.body["ms"] == 60
    assert answer.body["elapsedMs"] >= 60
    assert answer.body["cpuMs"] < 30
    assert "a-function-key" not in str(answer.body)


@pytest.mark.parametrize("handler", BURNS, ids=named)
async def test_cpu_uses_the_time_asked_for(call: Call, handler: Any) -> None:
    """A virtual machine may count the time in which its host has stopped it, so the least of several calls is near."""
    answers = [await call(handler, {"ms": "40"}) for _ in range(5)]
    for answer in answers:
        assert answer.body["ms"] == 40
        assert answer.body["elapsedMs"] >= answer.body["cpuMs"] - 1  # two clocks, read one after the other
    assert 40 <= min(answer.body["cpuMs"] for answer in answers) < 45


async def test_cpu_demand_is_the_same_under_contention(call: Call) -> None:
    started = time.perf_counter()
    answers = await asyncio.gather(*(call(workload.sync_cpu, {"ms": "30"}) for _ in range(4)))
    assert all(answer.body["cpuMs"] >= 30 for answer in answers)
    assert median(answer.body["cpuMs"] for answer in answers) < 40
    # Four threads take turns at one interpreter lock: four times the work takes four times as long.
    assert time.perf_counter() - started >= 0.12


@pytest.mark.parametrize(("handler", "default"), [*((h, 100) for h in SLEEPS), *((h, 20) for h in BURNS)])
async def test_ms_has_a_default(call: Call, handler: Any, default: int) -> None:
    assert (await call(handler)).body["ms"] == default


@pytest.mark.parametrize("ms", ["", "1e3", "-1", "nan", "ten", "1" * 400, "over"])
@pytest.mark.parametrize(("handler", "maximum"), [*((h, 60_000) for h in SLEEPS), *((h, 10_000) for h in BURNS)])
async def test_ms_out_of_range_is_a_problem(call: Call, handler: Any, maximum: int, ms: str) -> None:
    answer = await call(handler, {"ms": str(maximum + 1) if ms == "over" else ms})
    assert answer.status == 400
    assert answer.mimetype == "application/problem+json"
    assert answer.body["type"] == "about:blank"
    assert answer.body["title"] == "Bad Request"
    assert answer.body["status"] == 400
    assert answer.body["detail"].startswith("ms is ")
    assert f"from 0 to {maximum}" in answer.body["detail"]
    assert len(answer.body["detail"]) < 200


@pytest.mark.parametrize("handler", [workload.async_sleep, workload.async_offload], ids=named)
async def test_loop_stays_free(call: Call, handler: Any) -> None:
    assert await other_task_finished_meanwhile(call, handler, ms=1000)


@pytest.mark.parametrize("handler", [workload.async_blocking, workload.async_cpu], ids=named)
async def test_loop_is_stalled(call: Call, handler: Any) -> None:
    assert not await other_task_finished_meanwhile(call, handler, ms=250)


async def other_task_finished_meanwhile(call: Call, handler: Any, *, ms: int) -> bool:
    invocation = asyncio.create_task(call(handler, {"ms": str(ms)}))

    async def other() -> bool:
        await asyncio.sleep(0.01)
        return not invocation.done()

    _, finished_first = await asyncio.gather(invocation, other())
    return finished_first


async def test_worker_names_the_thread_that_served(call: Call) -> None:
    on_loop = await call(workload.async_sleep, {"ms": "0"})
    on_pool = await call(workload.sync_sleep, {"ms": "0"})
    assert on_loop.body["handler"] == "async def"
    assert on_loop.body["worker"]["thread"] == threading.get_native_id()
    assert on_pool.body["handler"] == "def"
    assert on_pool.body["worker"]["thread"] != threading.get_native_id()


async def test_worker_counts_those_in_flight(call: Call) -> None:
    answers = await asyncio.gather(*(call(workload.async_sleep, {"ms": "100"}) for _ in range(20)))
    assert sorted(answer.body["worker"]["inFlight"] for answer in answers) == list(range(1, 21))
    assert all(answer.body["worker"]["peakInFlight"] >= 20 for answer in answers)


async def test_queued_ms_is_measured_from_the_header(call: Call) -> None:
    answer = await call(workload.async_sleep, {"ms": "0"}, headers={"X-Sent-At": str(time.time() - 1.5)})
    assert 1500 <= answer.body["worker"]["queuedMs"] < 10_000
    assert (await call(workload.async_sleep, {"ms": "0"})).body["worker"]["queuedMs"] is None


async def test_health_reports_versions(call: Call) -> None:
    answer = await call(health.health)
    assert answer.status == 200
    assert answer.body["status"] == "healthy"
    assert answer.body["packages"].keys() == {"azure-functions", "azure-identity", "httpx"}
    assert time.strptime(answer.body["startedAt"], "%Y-%m-%dT%H:%M:%SZ") <= time.gmtime()
