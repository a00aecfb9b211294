"""Handlers of known cost: each waits or computes for a given time, in one of the ways to compare."""

import asyncio
import time

import azure.functions as func

from blueprints.handlers import Body, async_handler, sync_handler
from blueprints.invocations import Invocation
from blueprints.parameters import IntegerParameter

SLEEP_MS = IntegerParameter("ms", minimum=0, maximum=60_000, default=100)
CPU_MS = IntegerParameter("ms", minimum=0, maximum=10_000, default=20)

# Loop passes between two readings of the clock: about 30 microseconds of work for a reading of half a microsecond.
_PASSES = 1_000

blueprint = func.Blueprint()  # type: ignore[no-untyped-call]


@blueprint.route("api/sync/sleep", methods=["GET"])
@sync_handler
def sync_sleep(req: func.HttpRequest, invocation: Invocation) -> Body:
    """Wait in ``time.sleep``, which holds one thread of the pool. ``ms=0`` is a no-op."""
    ms = SLEEP_MS.from_query(req.params.get("ms"))
    if ms:  # sleeping 0 ms still uses the kernel's timer and takes about 60 microseconds
        time.sleep(ms / 1000)
    return _worked("def", ms, invocation)


@blueprint.route("api/async/sleep", methods=["GET"])
@async_handler
async def async_sleep(req: func.HttpRequest, invocation: Invocation) -> Body:
    """Wait in ``asyncio.sleep``, which holds no thread and leaves the loop free. ``ms=0`` is a no-op."""
    ms = SLEEP_MS.from_query(req.params.get("ms"))
    if ms:
        await invocation.wait(asyncio.sleep(ms / 1000))
    return _worked("async def", ms, invocation)


@blueprint.route("api/sync/cpu", methods=["GET"])
@sync_handler
def sync_cpu(req: func.HttpRequest, invocation: Invocation) -> Body:
    """Compute on a thread of the pool. Threads share the interpreter lock, so only more processes add speed."""
    ms = CPU_MS.from_query(req.params.get("ms"))
    burn(ms / 1000)
    return _worked("def", ms, invocation)


@blueprint.route("api/async/cpu", methods=["GET"])
@async_handler
async def async_cpu(req: func.HttpRequest, invocation: Invocation) -> Body:
    """Compute on the event loop, on purpose: this worker runs no other ``async def`` function until it ends."""
    ms = CPU_MS.from_query(req.params.get("ms"))
    burn(ms / 1000)
    return _worked("async def", ms, invocation)


@blueprint.route("api/async/blocking", methods=["GET"])
@async_handler
async def async_blocking(req: func.HttpRequest, invocation: Invocation) -> Body:
    """Block the event loop with ``time.sleep``: the classic mistake, made here on purpose."""
    ms = SLEEP_MS.from_query(req.params.get("ms"))
    time.sleep(ms / 1000)  # noqa: ASYNC251 - the mistake this route demonstrates
    return _worked("async def", ms, invocation)


@blueprint.route("api/async/offload", methods=["GET"])
@async_handler
async def async_offload(req: func.HttpRequest, invocation: Invocation) -> Body:
    """
    Do the same blocking wait in ``asyncio.to_thread``: the fix, which leaves the loop free.

    The wait runs on the event loop's default executor, which has min(32, CPUs + 4) threads. The worker never replaces
    it with the pool for ``def`` functions, so PYTHON_THREADPOOL_THREAD_COUNT does not apply to it.
    """
    ms = SLEEP_MS.from_query(req.params.get("ms"))
    await invocation.wait(asyncio.to_thread(time.sleep, ms / 1000))
    return _worked("async def", ms, invocation)


def burn(seconds: float) -> None:
    """
    Use ``seconds`` of this thread's CPU time in pure Python, holding the interpreter lock.

    CPU time and not wall time, so that the service demand is the same however many threads compete. The laws that the
    measurements are compared with assume this.
    """
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        for _ in range(_PASSES):
            pass


def _worked(handler: str, ms: int, invocation: Invocation) -> Body:
    return {
        "handler": handler,
        "ms": ms,
        "elapsedMs": invocation.elapsed_ms(),
        "cpuMs": invocation.cpu_ms(),
        "worker": invocation.worker(),
    }
