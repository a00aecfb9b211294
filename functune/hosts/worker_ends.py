"""
The workers that a web server lost, from the lines that it logs.

A server replaces such a worker at once, so nothing but its log says why requests failed. Sources: Gunicorn 27
(Arbiter.murder_workers, reap_workers), Uvicorn 0.54 (Multiprocess.keep_subprocess_alive).
"""

import re
import time
from collections import Counter
from typing import NamedTuple

TIME_OUT = "its time-out (--timeout)"
_ENDS = re.compile(
    r"WORKER (?P<late>TIMEOUT) \(pid:(?P<a>\d+)\)"
    r"|Worker \(pid:(?P<b>\d+)\) was sent (?P<signal>SIG(?!TERM\b)\w+)!"
    r"|Worker \(pid:(?P<c>\d+)\) exited with (?P<code>code \d+)"
    r"|Child process \[(?P<d>\d+)\] (?P<died>died)"
)


class WorkerEnd(NamedTuple):
    """The end of one worker."""

    at: float
    """Epoch seconds."""
    reason: str


class WorkerEnds:
    """The workers that ended out of turn so far."""

    def __init__(self) -> None:
        self._by_pid: dict[str, WorkerEnd] = {}

    def read(self, line: str) -> None:
        """Note the end that a line reports. The first line about a worker counts: the second is its consequence."""
        if (found := _ENDS.search(line)) is not None:
            pid = next(filter(None, map(found.group, "abcd")))
            by = TIME_OUT if found["late"] else found["signal"] or found["code"] or "a sudden end"
            self._by_pid.setdefault(pid, WorkerEnd(time.time(), by))

    def between(self, opened: float, closed: float) -> dict[str, int]:
        """The number of ends by reason, from one moment to another, epoch seconds."""
        return dict(Counter(end.reason for end in self._by_pid.values() if opened <= end.at <= closed))
