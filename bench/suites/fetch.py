"""The gain of one shared HTTP client."""

import sys
from collections.abc import AsyncIterator

from bench import bounds
from bench.figure import Figure
from bench.processes import APPS, ROOT, asgi_server, generate
from functune.hosts.local import LOCAL_HOST, LocalHostKind
from functune.hosts.served_app import ServedApp
from functune.setting import Setting

ROUNDS = 5
DELAY_MS = 50
"""Of bench.asgi.slow, which the app fetches from."""


async def fetch() -> AsyncIterator[Figure]:
    """parallel-fetch of three 50 ms urls: the shared client compared with a client per request, 8 users."""
    async with asgi_server("slow") as target:
        urls = {"FETCH_URLS": ",".join(f"{target}/?n={n}" for n in range(3))}
        async with (
            LOCAL_HOST.running(ServedApp(ROOT), setting=Setting(), app_settings=urls) as shared,
            # The packages of this project: its requirements.txt names httpx, and nothing else of them is importable.
            LocalHostKind(sys.executable).running(
                ServedApp(APPS / "clients"), setting=Setting(), app_settings=urls
            ) as own,
        ):
            pair = [f"{shared.base_url}/api/parallel-fetch", f"{own.base_url}/api/own-client"]
            rounds = [[await generate(url, users=8, seconds=3) for url in pair] for _ in range(ROUNDS)]
            alone = await generate(pair[0], users=1, seconds=3)
    yield Figure(
        bounds.SHARED_CLIENT,
        tuple(ours["throughput"] / theirs["throughput"] for ours, theirs in rounds),
        detail=f"{rounds[0][0]['throughput']:.0f}/s, {rounds[0][1]['throughput']:.0f}/s in the first round",
    )
    yield Figure(
        bounds.PARALLEL_FETCH,
        (alone["p50_ms"] / DELAY_MS,),
        detail=f"p50 {alone['p50_ms']:.1f} ms, p95 {alone['p95_ms']:.1f} ms",
    )
