"""The speed of the load generator alone, measured against a server that does nothing, before and after a run."""

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator

import msgspec
import numpy as np

from functune.environ import child_environ
from functune.errors import LoadError
from functune.load.records import LoadPlan
from functune.load.runner import finished_steps
from functune.run.measurement import Calibration

PLAN = LoadPlan(route="/", users=(16,), warm_up=0.3, measure=0.5)
"""16 users keep Locust's one thread busy; with more the rate hardly changes. Half a second has a thousand requests."""


async def calibrate(*, processes: int = 1) -> Calibration:
    """
    Measure the generator for half a second, with as many load processes as the run has.

    Raises LoadError when Locust fails or gets no answer.
    """
    started = time.time()
    plan = msgspec.structs.replace(PLAN, users=(PLAN.users[0] * processes,), processes=processes)
    async with null_server() as base_url, contextlib.aclosing(finished_steps(plan, base_url=base_url)) as steps:
        async for step, requests in steps:
            latencies = [
                request.latency * 1e6 for request in requests if request.error is None and request.ended > step.opened
            ]
            if not latencies:
                raise LoadError(
                    "the load generator got no answer from a server on the loopback interface of this machine"
                )
            return Calibration(
                at=started,
                users=step.users,
                throughput=len(latencies) / (step.closed - step.opened),
                latency_p50_us=float(np.median(latencies)),
                generator_cpu=step.generator_cpu or 0.0,
                processes=processes,
            )
    raise AssertionError("finished_steps gives every step of its plan or raises")


@contextlib.asynccontextmanager
async def null_server(*, delay_ms: int = 0) -> AsyncIterator[str]:
    """The base URL of a server that only waits ``delay_ms`` before it answers; it is killed on the way out."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "functune.load.null_server", str(delay_ms)),
        stdin=asyncio.subprocess.PIPE,  # it ends when this process closes it, or is killed
        stdout=asyncio.subprocess.PIPE,
        env=child_environ({}),
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(await process.stdout.readline())}"
    finally:
        process.kill()
        await process.wait()
