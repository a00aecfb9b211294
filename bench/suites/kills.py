"""Web servers whose workers are killed or reloaded under 200 connections."""

from collections import Counter
from collections.abc import AsyncIterator

from bench import bounds
from bench.disturbed import Disturbed, disturbed, killing, reloading, serving
from bench.figure import Figure
from functune.setting import Setting

CONNECTIONS = 200
KILLS = 12
RELOADS = 3
EVERY = 5.0
"""Seconds from one kill or reload to the next."""
SERVERS = {
    "gunicorn:sync": Setting(process_count=4),
    "gunicorn:gthread": Setting(process_count=4, thread_count=16),
    "gunicorn:asgi": Setting(process_count=4, thread_count=16),
    "gunicorn:uvicorn": Setting(process_count=4, thread_count=16),
    "uvicorn": Setting(process_count=4, thread_count=16),
}


async def kills() -> AsyncIterator[Figure]:
    """Requests that are lost, doubled, swapped, or failed for no reason, while workers die every 5 s for a minute."""
    for name, setting in SERVERS.items():
        async with serving(name, setting) as host:
            seen = await disturbed(host, lambda host: killing(host, kills=KILLS, every=EVERY), connections=CONNECTIONS)
            yield figure(f"{name}, {KILLS} kills", seen)
        if name != "gunicorn:sync":  # which closes each connection anyway
            async with serving(name, setting) as host:
                seen = await disturbed(
                    host, lambda host: reloading(host, reloads=RELOADS, every=EVERY), connections=CONNECTIONS
                )
                yield figure(f"{name}, {RELOADS} reloads", seen)


def figure(case: str, seen: Disturbed) -> Figure:
    """The faults of a part, and how its requests ended."""
    tally = seen.tally
    worst = "".join(f"; {times} x {text}" for text, times in Counter(seen.faults).most_common(3))
    return Figure(
        bounds.FAULTS_OF_SERVERS,
        (len(seen.faults),),
        case=case,
        detail=f"{tally.sent} requests: {tally.answers.total()} answered, {len(tally.cut)} cut off, "
        f"{len(tally.failed)} failed, by {len(seen.begun)} workers{worst}",
    )
