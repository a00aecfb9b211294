"""The law of blocking calls."""

import statistics
from collections.abc import AsyncIterator

from bench import bounds
from bench.figure import Figure
from bench.processes import ROOT, generate
from functune.hosts.local import LOCAL_HOST
from functune.hosts.served_app import ServedApp
from functune.setting import Setting

THREADS = (1, 4, 16, 64)
PROCESSES = (1, 2)
SERVICE_TIME = 0.1
"""Seconds."""
ROUNDS = 2


async def law() -> AsyncIterator[Figure]:
    """Blocking calls of 100 ms follow X = T * P / S, with twice as many users as threads."""
    for process_count in PROCESSES:
        for thread_count in THREADS:
            users = 2 * thread_count * process_count
            setting = Setting(thread_count=thread_count, process_count=process_count)
            expected = thread_count * process_count / SERVICE_TIME
            async with LOCAL_HOST.running(ServedApp(ROOT), setting=setting) as served:
                url = f"{served.base_url}/api/sync/sleep?ms={SERVICE_TIME * 1000:g}"
                rounds = [await generate(url, users=users, seconds=6, warm_up=1.5) for _ in range(ROUNDS)]
            throughputs = [summary["throughput"] for summary in rounds]
            yield Figure(
                bounds.BLOCKING_CALLS,
                tuple(throughput / expected for throughput in throughputs),
                case=str(setting),
                detail=f"{statistics.median(throughputs):.1f}/s of {expected:g}/s with {users} users",
            )
