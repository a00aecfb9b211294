"""
The calls of the host's workers, as the local host counts them: read at both ends of a window.

The time average of the calls begun and not ended (L) includes those that are still open. With the throughput X, L / X
is the time per call by Little's law, also where an unfair lock lets the same few calls through again and again and the
mean of the finished calls is far too low.
"""

import http.client
from urllib.parse import urlsplit

import msgspec

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
    """The answer of the host."""

    front: int
    """Pid of the front."""
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


def open_calls(opened: HostCalls | None, closed: HostCalls | None) -> float | None:
    """
    The time average of the open calls (L) between two readings, over all workers.

    None without both readings, or when a worker was replaced between them.
    """
    if opened is None or closed is None or opened.workers.keys() != closed.workers.keys() or not closed.workers:
        return None
    seconds = sum(each.open_seconds - opened.workers[pid].open_seconds for pid, each in closed.workers.items())
    return seconds / (closed.at - opened.at)
