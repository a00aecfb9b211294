"""
The headers in which an answer reports the times of its call.

    Server-Timing: wait;dur=0.412, service;dur=51.300, cpu;dur=0.900, loop;dur=1.000, hold;dur=0.800
    x-functune-worker: 4121;thread=4127;calls=3;kind=async

Durations are in milliseconds. ``loop`` and ``hold`` are absent for ``def``. Server-Timing is a standard header that
apps and proxies write as well, so the times count only next to x-functune-worker, and the last of a name counts.
"""

import re
from typing import Literal, NamedTuple

from functune.timing.calls import CallTimes

SERVER_TIMING = "server-timing"
WORKER = "x-functune-worker"
INSTANCE = "x-functune-instance"
"""The header in which functune_times.py names the instance, and what runs the app."""

type Kind = Literal["def", "async"]

_WORKER = re.compile(r"([0-9]{1,15});thread=([0-9]{1,15});calls=([0-9]{1,15});kind=(def|async)")
_INSTANCE = re.compile(r"[0-9a-f]{1,64}")
_DURATION = re.compile(r"\s*(wait|service|cpu|loop|hold)\s*;\s*dur=([0-9]{1,12}(?:\.[0-9]+)?)\s*")


class ReportedCall(NamedTuple):
    """The report of one answer. Times are whole microseconds, None where the header lacks them."""

    pid: int
    thread: int
    calls: int
    """Calls open in the process at the handler's first line, this one included."""
    kind: Kind
    wait: int | None = None
    """From where the host handed the call on to the handler's first line."""
    service: int | None = None
    """From the handler's first line to its end."""
    cpu: int | None = None
    """Thread CPU time of the handler."""
    loop: int | None = None
    """Time the coroutine held the event loop."""
    hold: int | None = None
    """The longest single hold."""
    instance: str = ""
    """The instance that the worker is on; empty where the answer does not name it."""


def server_timing(times: CallTimes, *, wait: float | None) -> bytes:
    """
    The value of Server-Timing; ``wait`` is in seconds, None where it is not known.

    Each call pays for it, so it formats bytes, which takes half the time of a text that is encoded afterwards.
    """
    value = b"service;dur=%.3f, cpu;dur=%.3f" % (times.service * 1e3, times.cpu * 1e3)
    if times.loop is not None and times.hold is not None:
        value = b"%b, loop;dur=%.3f, hold;dur=%.3f" % (value, times.loop * 1e3, times.hold * 1e3)
    return value if wait is None else b"wait;dur=%.3f, %b" % (wait * 1e3, value)


def worker_value(times: CallTimes) -> bytes:
    """The value of x-functune-worker."""
    kind = b"def" if times.loop is None else b"async"
    return b"%d;thread=%d;calls=%d;kind=%b" % (times.pid, times.thread, times.calls, kind)


def parse(worker: str | None, timing: str | None, instance: str | None = None) -> ReportedCall | None:
    """The report in the values of the headers; None without a well-formed x-functune-worker."""
    found = _WORKER.fullmatch(worker or "")
    if found is None:
        return None
    kind: Kind = "def" if found[4] == "def" else "async"
    durations = {
        match[1]: round(float(match[2]) * 1000)
        for part in (timing or "").split(",")
        if (match := _DURATION.fullmatch(part)) and not (kind == "def" and match[1] in ("loop", "hold"))
    }
    named = _INSTANCE.match(instance or "")
    place = "" if named is None else named[0]
    return ReportedCall(int(found[1]), int(found[2]), int(found[3]), kind, **durations, instance=place)
