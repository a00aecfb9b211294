"""
The calls of the host's workers, read at both ends of a window: from the local host, or from the pages in which the
workers of another server count them.

The time average of the calls begun and not ended (L) includes those that are still open. With the throughput X, L / X
is the time per call by Little's law, also where an unfair lock lets the same few calls through again and again and the
mean of the finished calls is far too low.
"""

import http.client
import mmap
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import psutil

from functune.timing.page import CALLS_SUFFIX, PAGE_BYTES, read_totals

PATH = "/admin/functune/times"
_TIMEOUT = 5.0
"""Seconds; the host answers without asking its workers."""


class WorkerCalls(msgspec.Struct, frozen=True):
    """The calls of one worker since it started."""

    begun: int
    ended: int
    open_seconds: float
    """Integral of the open calls over time, call-seconds."""
    cpu_seconds: float
    """Thread CPU time of the calls that have ended."""


class HostCalls(msgspec.Struct, frozen=True):
    """The calls of all workers at one moment."""

    front: int | None
    """Pid of the front; None for a server without one."""
    at: float
    """Seconds on the clock of the host."""
    workers: dict[str, WorkerCalls]
    """By pid."""


def read_host_calls(base_url: str) -> HostCalls | None:
    """The calls until now; None for a host that does not count them, or does not answer within 5 s."""
    connection = http.client.HTTPConnection(urlsplit(base_url).netloc, timeout=_TIMEOUT)
    try:
        connection.request("GET", PATH)
        answer = connection.getresponse()
        return msgspec.json.decode(answer.read(), type=HostCalls) if answer.status == 200 else None
    except (OSError, http.client.HTTPException, msgspec.DecodeError):
        return None
    finally:
        connection.close()


def read_call_pages(folder: Path) -> HostCalls:
    """
    The calls until now, from the pages of the workers that run, by pid.

    A worker that was killed leaves its page with the calls that it was running, which would seem to be open forever.
    """
    now = time.perf_counter()
    return HostCalls(front=None, at=now, workers=read_every_page(folder, now, is_wanted=_runs))


def read_every_page(
    folder: Path, now: float, is_wanted: Callable[[str], bool] = lambda _: True
) -> dict[str, WorkerCalls]:
    """The calls until ``now``, seconds of time.perf_counter, of every worker that has loaded the app, by pid."""
    workers = {}
    for path in folder.glob(f"*{CALLS_SUFFIX}"):
        if is_wanted(path.stem):
            with path.open("rb") as file, mmap.mmap(file.fileno(), PAGE_BYTES, prot=mmap.PROT_READ) as memory:
                workers[path.stem] = WorkerCalls(**read_totals(memory, now)._asdict())
    return workers


def _runs(pid: str) -> bool:
    """Whether a process runs; one that has ended and waits for its parent to notice does not."""
    try:
        return bool(psutil.Process(int(pid)).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def open_calls(opened: HostCalls | None, closed: HostCalls | None) -> float | None:
    """
    The time average of the open calls (L) between two readings, over all workers.

    None without both readings, or when a worker was replaced between them.
    """
    if opened is None or closed is None or opened.workers.keys() != closed.workers.keys() or not closed.workers:
        return None
    seconds = sum(each.open_seconds - opened.workers[pid].open_seconds for pid, each in closed.workers.items())
    return seconds / (closed.at - opened.at)
