"""
The counts of a worker's calls in memory that another process reads, even while the worker's event loop is blocked.

The page is two records, written in turn, in the byte order of the machine:

    first    unsigned 64-bit   number of the update that began to write this record
    begun    unsigned 64-bit   calls whose first line has run
    ended    unsigned 64-bit   calls that have returned, raised or been closed
    seconds  double            integral of the open calls (begun - ended) over time up to ``changed``, call-seconds
    changed  double            time of the update, seconds of time.perf_counter
    cpu      double            thread CPU time of the calls that have ended, seconds
    last     unsigned 64-bit   number of the update that has written this record

An update writes the fields in this order. A reader takes ``last``, then the fields between, then ``first``: when the
two are equal, no update wrote the record meanwhile. Of two such records the higher number counts. A worker that is
stopped or killed in the middle of an update leaves the other record whole. ``time.perf_counter`` is one clock for all
processes of a machine on Linux and macOS, so the reader can extend the integral to the present.
"""

import mmap
import struct
import threading
from time import perf_counter
from typing import NamedTuple

_RECORD = struct.Struct("=QQQdddQ")
_NUMBER = struct.Struct("=Q")
_FIELDS = struct.Struct("=QQddd")
_LAST_AT = _RECORD.size - _NUMBER.size
PAGE_BYTES = 2 * _RECORD.size
CALLS_SUFFIX = ".calls"
"""Of the file of a page in a folder that the lab reads; the rest of its name is the pid."""
_READS = 1000
"""One read fails only where the worker wrote both records during it."""


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
        self._changed = perf_counter()

    def begin(self, now: float) -> int:
        """
        Count a call that begins at ``now``, seconds of time.perf_counter. Returns the number of open calls, this one
        included. Threads may count their calls in another order than that of their times.
        """
        with self._lock:
            before = self._begun - self._ended
            self._begun += 1
            self._write(now, before)
            return before + 1

    def end(self, now: float, cpu: float) -> None:
        """Count a call that ends at ``now``, with its thread CPU time in seconds."""
        with self._lock:
            before = self._begun - self._ended
            self._ended += 1
            self._cpu += cpu
            self._write(now, before)

    def _write(self, now: float, before: int) -> None:
        """Write the next record; ``before`` is the number of calls that were open until ``now``."""
        self._seconds += before * (now - self._changed)
        self._changed = now
        self._updates = number = self._updates + 1
        _RECORD.pack_into(
            self._memory,
            number % 2 * _RECORD.size,
            number,
            self._begun,
            self._ended,
            self._seconds,
            now,
            self._cpu,
            number,
        )


def read_totals(memory: mmap.mmap, now: float) -> CallTotals:
    """
    The totals at ``now``, seconds of time.perf_counter.

    Raises RuntimeError when the page changed during each of many reads, which no worker is fast enough for.
    """
    for _ in range(_READS):
        whole = [found for record in (0, _RECORD.size) if (found := _whole_record(memory, record)) is not None]
        if whole:
            _, begun, ended, seconds, changed, cpu = max(whole)
            since = max(now - changed, 0.0)  # the worker may have updated it after ``now``
            return CallTotals(begun, ended, seconds + (begun - ended) * since, cpu)
    raise RuntimeError(f"the page of totals changed during each of {_READS} reads")


def _whole_record(memory: mmap.mmap, at: int) -> tuple[int, int, int, float, float, float] | None:
    """Number and fields of the record; None while it is being written."""
    (last,) = _NUMBER.unpack_from(memory, at + _LAST_AT)
    begun, ended, seconds, changed, cpu = _FIELDS.unpack_from(memory, at + _NUMBER.size)
    (first,) = _NUMBER.unpack_from(memory, at)
    return (first, begun, ended, seconds, changed, cpu) if first == last else None
