"""The price of connections that wait."""

import asyncio
import resource
from collections.abc import AsyncIterator

import httpx
import psutil

from bench import bounds
from bench.figure import Figure, NotMeasuredError
from bench.processes import APPS, generate
from functune.hosts.local import LOCAL_HOST
from functune.hosts.served_app import ServedApp
from functune.setting import Setting

WAITING = 10_000


async def connections() -> AsyncIterator[Figure]:
    """Memory and latency of the front with 10,000 connections that send nothing, or half a request."""
    async with LOCAL_HOST.running(ServedApp(APPS / "noop"), setting=Setting()) as served:
        url = f"{served.base_url}/api/async-noop"
        front = psutil.Process(served.pid)
        alone = await generate(url, users=1, seconds=2)
        after_load = front.memory_info().rss
        opened = await waiting_connections(served.base_url, WAITING)
        with_them = front.memory_info().rss
        among_them = await generate(url, users=1, seconds=2)
        for writer in opened:
            writer.transport.abort()
    yield Figure(bounds.FRONT_MEMORY, (after_load / 1e6,))
    yield Figure(
        bounds.CONNECTION_MEMORY,
        ((with_them - after_load) / 1024 / len(opened),),
        detail=f"the front has {with_them / 1e6:.0f} MB with {len(opened)} of them",
    )
    yield Figure(
        bounds.CALL_AMONG_CONNECTIONS,
        (among_them["p50_ms"] / alone["p50_ms"],),
        detail=f"{among_them['p50_ms']:.2f} ms, {alone['p50_ms']:.2f} ms",
    )


async def waiting_connections(base_url: str, count: int) -> list[asyncio.StreamWriter]:
    """
    Connections the host has accepted: every other one has sent half a request, the rest nothing.

    Raises NotMeasuredError where the system allows too few open files.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if most < count + 100:
        raise NotMeasuredError(f"{count} connections need as many open files; this system allows {most} (ulimit -Hn)")
    parsed = httpx.URL(base_url)
    opened = []
    for number in range(count):
        _, writer = await asyncio.open_connection(parsed.host, parsed.port)
        if number % 2:
            writer.write(b"GET /api/async-noop HTTP/1.1\r\nhost: x\r\nx-half")
        opened.append(writer)
    async with httpx.AsyncClient() as client:  # the host accepts in order: its answer shows that it has all of them
        (await client.get(f"{base_url}/admin/host/ping")).raise_for_status()
    return opened
