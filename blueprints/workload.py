"""Handlers of known cost: each waits or computes for as long as it is asked to, in one of the ways that matter."""

import asyncio
import time

import azure.functions as func

from blueprints.handlers import Body, async_handler, sync_handler
from blueprints.invocations import Invocation
from blueprints.parameters import IntegerParameter

SLEEP_MS = IntegerParameter("ms", minimum=0, maximum=60_000, default=100)
CPU_MS = IntegerParameter("ms", minimum=0, maximum=10_000, default=20)

# Loop passes between two looks at the clock: about 30 microseconds of work for each half microsecond of clock.
_PASSES = 1_000

blueprint = func.Blueprint()  # type: ignore[no-untyped-call]


@blueprint.route("sync/sleep", methods=["GET"])
@sync_handler
def sync_sleep(req: func.HttpRequest, invocation: Invocation) -> Body:
    """Wait in ``time.sleep``: holds one thread of the pool, and nothing else. ``ms=0`` is a no-op."""
    ms = SLEEP_MS.from_query(req.params.get("ms"))
    if ms:  # a sleep of nothing still goes through the kernel's timer, some 60 microseconds
        time.sleep(ms / 1000)
    return _worked("def", ms, invocation)


@blueprint.route("async/sleep", methods=["GET"])
@async_handler
async def async_sleep(req: func.HttpRequest, invocation: Invocation) -> Body:
    """Wait in ``asyncio.sleep``: holds no thread, the loop serves others meanwhile. ``ms=0`` is a no-op."""
    ms = SLEEP_MS.from_query(req.params.get("ms"))
    if ms:
        await invocation.wait(asyncio.sleep(ms / 1000))
    return _worked("async def", ms, invocation)


@blueprint.route("sync/cpu", methods=["GET"])
@sync_handler
def sync_cpu(req: func.HttpRequest, invocation: Invocation) -> Body:
    """Compute on a thread of the pool: more threads share the interpreter lock, only more processes add speed."""
    ms = CPU_MS.from_query(req.params.get("ms"))
    burn(ms / 1000)
    return _worked("def", ms, invocation)


@blueprint.route("async/cpu", methods=["GET"])
@async_handler
async def async_cpu(req: func.HttpRequest, invocation: Invocation) -> Body:
    """Compute on the event loop, on purpose: until it is done this worker runs no other ``async def``."""
    ms = CPU_MS.from_query(req.params.get("ms"))
    burn(ms / 1000)
    return _worked("async def", ms, invocation)


@blueprint.route("async/blocking", methods=["GET"])
@async_handler
async def async_blocking(req: func.HttpRequest, invocation: Invocation) -> Body:
    """Block the event loop with ``time.sleep``: the classic mistake, here to be measured."""
    ms = SLEEP_MS.from_query(req.params.get("ms"))
    time.sleep(ms / 1000)  # noqa: ASYNC251 - the mistake this route demonstrates
    return _worked("async def", ms, invocation)


@blueprint.route("async/offload", methods=["GET"])
@async_handler
async def async_offload(req: func.HttpRequest, invocation: Invocation) -> Body:
    """
    Do the same blocking wait in ``asyncio.to_thread``: the repair, the loop stays free.

    The wait runs on the event loop's own default executor, min(32, CPUs + 4) threads. The worker never replaces that
    executor by the pool it runs ``def`` functions on, so PYTHON_THREADPOOL_THREAD_COUNT does not govern it.
    """
    ms = SLEEP_MS.from_query(req.params.get("ms"))
    await invocation.wait(asyncio.to_thread(time.sleep, ms / 1000))
    return _worked("async def", ms, invocation)


def burn(seconds: float) -> None:
    """
    Use ``seconds`` of this thread's CPU time in pure Python, holding the interpreter lock.

    CPU time, not wall time: the demand is the same however many threads compete, which is what service demand means in
    the laws the measurements are held against.
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
