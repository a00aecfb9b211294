"""The price of the host."""

import statistics
from collections.abc import AsyncIterator

from bench import bounds
from bench.figure import Figure
from bench.processes import APPS, asgi_server, generate
from functune.hosts.local import LOCAL_HOST
from functune.hosts.served_app import ServedApp
from functune.setting import Setting

ROUNDS = 5


async def host() -> AsyncIterator[Figure]:
    """Throughput of no-op functions on the host, compared with a bare ASGI server: one worker, 32 users."""
    async with (
        asgi_server("noop") as bare,
        LOCAL_HOST.running(ServedApp(APPS / "noop"), setting=Setting()) as served,
    ):
        urls = [f"{bare}/", f"{served.base_url}/api/async-noop", f"{served.base_url}/api/sync-noop"]
        rounds = [[(await generate(url, users=32, seconds=2))["throughput"] for url in urls] for _ in range(ROUNDS)]
    plain, asynchronous, sync = (statistics.median(column) for column in zip(*rounds, strict=True))
    yield Figure(bounds.HOST_ASYNC, tuple(r[1] / r[0] for r in rounds), detail=f"{asynchronous:.0f}/s of {plain:.0f}/s")
    yield Figure(bounds.HOST_DEF, tuple(r[2] / r[0] for r in rounds), detail=f"{sync:.0f}/s of {plain:.0f}/s")
