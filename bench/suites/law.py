"""The law of blocking calls."""

import statistics
from collections.abc import AsyncIterator

from bench import bounds
from bench.figure import Figure
from bench.processes import ROOT, generate
from functune.hosts.registry import host_kind
from functune.hosts.served_app import ServedApp
from functune.setting import Setting

SERVICE_TIME = 0.1
"""Seconds."""
ROUNDS = 2
CASES = (
    *(
        ("local", Setting(thread_count=threads, process_count=processes), 2 * threads * processes)
        for processes in (1, 2)
        for threads in (1, 4, 16, 64)
    ),
    ("uvicorn", Setting(thread_count=16), 32),
    # Connections stay with the worker that accepted them, which leaves threads idle where there are few.
    ("gunicorn:gthread", Setting(thread_count=16, process_count=4), 256),
)
"""A host, a setting, and the users: twice as many as threads, or more."""


async def law() -> AsyncIterator[Figure]:
    """Blocking calls of 100 ms follow X = T * P / S, with more users than threads."""
    for host, setting, users in CASES:
        expected = setting.threads * setting.process_count / SERVICE_TIME
        async with host_kind(host).running(ServedApp(ROOT), setting=setting) as served:
            url = f"{served.base_url}/api/sync/sleep?ms={SERVICE_TIME * 1000:g}"
            rounds = [await generate(url, users=users, seconds=6, warm_up=1.5) for _ in range(ROUNDS)]
        throughputs = [summary["throughput"] for summary in rounds]
        yield Figure(
            bounds.BLOCKING_CALLS,
            tuple(throughput / expected for throughput in throughputs),
            case=f"{setting} {host}",
            detail=f"{statistics.median(throughputs):.1f}/s of {expected:g}/s with {users} users",
        )
