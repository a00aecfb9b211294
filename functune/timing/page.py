"""
The counts of a worker's calls in memory that another process reads, even while the worker's event loop is blocked.

The page is one record of ``PAGE_BYTES``, in the byte order of the machine:

    first    unsigned 64-bit   number of the last update that began
    begun    unsigned 64-bit   calls whose first line has run
    ended    unsigned 64-bit   calls that have returned, raised or been closed
    seconds  double            integral of the open calls (begun - ended) over time up to ``changed``, call-seconds
    changed  double            time of the last update, seconds of time.perf_counter
    cpu      double            thread CPU time of the calls that have ended, seconds
    last     unsigned 64-bit   number of the last update that ended

An update writes the fields in this order. A reader takes ``last``, then the fields between, then ``first``: when the
two are equal, no update ran meanwhile. ``time.perf_counter`` is one clock for all processes of a machine on Linux and
macOS, so the reader can extend the integral to the present.
"""

import mmap
import struct
import threading
import time
from typing import NamedTuple

_RECORD = struct.Struct("=QQQdddQ")
_FIRST = struct.Struct("=Q")
_FIELDS = struct.Struct("=QQddd")
_LAST_AT = _RECORD.size - _FIRST.size
PAGE_BYTES = _RECORD.size
_READS = 1000
"""An update takes about a microsecond, so many reads in a row fail only where a worker died in the middle of one."""


class CallTotals(NamedTuple):
    """The calls of one worker since it started."""

    begun: int
    ended: int
    open_seconds: float
    """Integral of the open calls over time, call-seconds. The growth over a second is their time average."""
    cpu_seconds: float
    """Thread CPU time of the calls that have ended."""


class CallPage:
    """The worker's side of a page. Its methods may be called from any thread."""

    def __init__(self, memory: mmap.mmap) -> None:
        self._memory = memory
        self._lock = threading.Lock()
        self._updates = self._begun = self._ended = 0
        self._seconds = self._cpu = 0.0
        self._changed = time.perf_counter()

    def begin(self) -> int:
        """Count a call that begins. Returns the number of calls now open, this one included."""
        with self._lock:
            self._advance()
            self._begun += 1
            self._write()
            return self._begun - self._ended

    def end(self, cpu: float) -> None:
        """Count a call that ended, with its thread CPU time in seconds."""
        with self._lock:
            self._advance()
            self._ended += 1
            self._cpu += cpu
            self._write()

    def _advance(self) -> None:
        now = time.perf_counter()
        self._seconds += (self._begun - self._ended) * (now - self._changed)
        self._changed = now

    def _write(self) -> None:
        self._updates = number = self._updates + 1
        _RECORD.pack_into(
            self._memory, 0, number, self._begun, self._ended, self._seconds, self._changed, self._cpu, number
        )


def read_totals(memory: mmap.mmap, now: float) -> CallTotals | None:
    """
    The totals at ``now``, seconds of time.perf_counter.

    None where the worker ended in the middle of an update, which left the page inconsistent.
    """
    for _ in range(_READS):
        (last,) = _FIRST.unpack_from(memory, _LAST_AT)
        begun, ended, seconds, changed, cpu = _FIELDS.unpack_from(memory, _FIRST.size)
        (first,) = _FIRST.unpack_from(memory, 0)
        if first == last:
            is_running = max(now - changed, 0.0)  # the worker may have updated it since ``now``
            return CallTotals(begun, ended, seconds + (begun - ended) * is_running, cpu)
    return None
