"""The price of timing every call."""

import statistics
from collections.abc import AsyncIterator

from bench import bounds
from bench.figure import Figure
from bench.processes import APPS, generate
from functune.environ import child_environ
from functune.hosts.local import HostProcess

ROUNDS = 7


async def timing() -> AsyncIterator[Figure]:
    """Throughput of no-op functions on a host that times every call, compared with one that does not: 32 users."""
    with_times, without = (
        HostProcess(APPS / "noop", process_count=1, environ=child_environ({}), times=times) for times in (True, False)
    )
    async with with_times, without:
        for route in ("async-noop", "sync-noop"):
            urls = [f"{host.base_url}/api/{route}" for host in (with_times, without)]
            on: list[float] = []
            off: list[float] = []
            for number in range(ROUNDS):
                order = [(urls[0], on), (urls[1], off)]
                for url, throughputs in reversed(order) if number % 2 else order:  # neither is always the first
                    throughputs.append((await generate(url, users=32, seconds=2))["throughput"])
            ratios = tuple(timed / bare for timed, bare in zip(on, off, strict=True))
            yield Figure(
                bounds.TIMING,
                ratios,
                case=route,
                detail=f"{statistics.median(on):.0f}/s of {statistics.median(off):.0f}/s",
            )
