"""
A web server under load while its worker processes are killed or reloaded, and the account of every request afterwards.

The bench suite ``kills`` does it for a minute, the tests do it for some kills.
"""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from bench.exchanges import Failure, Tally, User
from functune.hosts.kinds import RunningHost
from functune.hosts.registry import host_kind
from functune.hosts.served_app import ServedApp
from functune.load.host_calls import read_call_pages, read_every_page
from functune.setting import Setting

type Disturb = Callable[[RunningHost], Awaitable[list[tuple[float, float]]]]
"""Does something to a server; returns when each began and ended, ``time.monotonic``."""

APP = Path(__file__).parent / "apps" / "echo"
REPLACED_WITHIN = 60.0
"""Seconds until a killed or reloaded server has all its workers again, on a busy machine."""
GRACE = 2.0
"""Seconds for which a connection that a dead worker had, or one that a leaving worker closes, can fail a request."""


class Disturbed(NamedTuple):
    """What happened to a server, and to the requests of its users."""

    tally: Tally
    times: list[tuple[float, float]]
    """Begin and end of each disturbance, ``time.monotonic``."""
    begun: dict[int, int]
    """Calls that began, by the pid of each worker."""
    ended: dict[int, int]

    @property
    def faults(self) -> list[str]:
        """What must not happen."""
        tally, answers = self.tally, self.tally.answers
        lost = len(tally.cut) + len(tally.failed)
        found = [*tally.wrong, *(f"a request failed while nothing happened: {one}" for one in self.outside)]
        if tally.sent != tally.ended:
            found.append(f"{tally.sent} requests were sent, {tally.ended} ended")
        # A call that ran twice, or in one worker while another worker's headers reported it, breaks one of these.
        if not 0 <= sum(self.begun.values()) - answers.total() <= lost:
            found.append(f"{self.begun} calls began for {answers.total()} answers and {lost} failures")
        for pid, count in answers.items():
            if pid is None or not count <= self.ended.get(pid, 0) <= self.begun[pid]:
                found.append(f"{count} answers name worker {pid}, where {self.ended.get(pid or 0)} calls ended")
        return found

    @property
    def outside(self) -> list[Failure]:
        """The failures of requests that no disturbance met."""
        return self.tally.outside([(begin, end + GRACE) for begin, end in self.times])


@asynccontextmanager
async def serving(name: str, setting: Setting) -> AsyncIterator[RunningHost]:
    """The echo app on a web server."""
    async with host_kind(name).running(ServedApp(APP), setting=setting) as host:
        yield host


async def disturbed(host: RunningHost, disturb: Disturb, *, connections: int, longest: float = 0.1) -> Disturbed:
    """Load the server with calls of up to ``longest`` seconds until ``disturb`` has returned when it did what."""
    tally, times = Tally(), asyncio.ensure_future(disturb(host))
    port = urlsplit(host.base_url).port or 0
    async with asyncio.TaskGroup() as users:
        for _ in range(connections):
            users.create_task(User(port, tally, longest=longest).call_until(times.done))
    await until(
        lambda: not any(calls.begun - calls.ended for calls in read_call_pages(folder_of(host)).workers.values())
    )
    calls = read_every_page(folder_of(host), time.perf_counter())
    return Disturbed(
        tally,
        await times,
        {int(pid): each.begun for pid, each in calls.items()},
        {int(pid): each.ended for pid, each in calls.items()},
    )


async def killing(host: RunningHost, *, kills: int, every: float = 0.0) -> list[tuple[float, float]]:
    """Kill the busiest worker, some times in turn; each time the server replaces it, and ``every`` seconds pass."""
    times = []
    for _ in range(kills):
        # Not any worker: the connections of a server may all be those of one.
        await until(lambda: bool(open_calls_of(host, busiest(host))))
        began, killed, count = time.monotonic(), busiest(host), len(workers(host))
        os.kill(killed, signal.SIGKILL)
        await until(lambda: killed not in workers(host))  # noqa: B023 - awaited in this round
        times.append((began, time.monotonic()))
        await until(lambda: len(workers(host)) >= count)  # noqa: B023
        await asyncio.sleep(max(began + every - time.monotonic(), 0.0))
    return times


async def reloading(host: RunningHost, *, reloads: int, every: float = 0.0) -> list[tuple[float, float]]:
    """Have the server replace all of its workers in order, some times in turn."""
    times = []
    for _ in range(reloads):
        await until(lambda: bool(open_calls_of(host, busiest(host))))
        began, before = time.monotonic(), workers(host)
        os.kill(host.pid or 0, signal.SIGHUP)
        await until(lambda: not before & workers(host) and len(workers(host)) >= len(before))  # noqa: B023
        times.append((began, time.monotonic()))
        await asyncio.sleep(max(began + every - time.monotonic(), 0.0))
    return times


def workers(host: RunningHost) -> set[int]:
    """The pids of the workers that run and have loaded the app."""
    return set(map(int, read_call_pages(folder_of(host)).workers))


def busiest(host: RunningHost) -> int:
    """The worker with the most open calls."""
    return max(workers(host), key=lambda pid: open_calls_of(host, pid))


def open_calls_of(host: RunningHost, pid: int) -> int:
    """The calls that a worker has begun and not ended."""
    calls = read_call_pages(folder_of(host)).workers.get(str(pid))
    return 0 if calls is None else calls.begun - calls.ended


def folder_of(host: RunningHost) -> Path:
    """The folder with the pages of its workers, which every web server has."""
    assert host.calls_folder is not None
    return Path(host.calls_folder)


async def until(condition: Callable[[], bool]) -> None:
    """Return when the condition holds. Raises TimeoutError where it does not in time."""
    async with asyncio.timeout(REPLACED_WITHIN):
        while not condition():  # noqa: ASYNC110 - of another process
            await asyncio.sleep(0.05)
