"""
The CPU time of each thread.

``time.pthread_getcpuclockid`` must not be used here: it crashes the process when the thread ends in that moment. On
Linux the number of a thread's clock follows from its kernel id, and reading the clock of a thread that has ended is an
error, not a crash. macOS has no such clock: there the CPU time is not known, and the frames alone decide whether a
thread waits.
"""

import sys
import threading
import time

_PER_THREAD, _SCHEDULER = 4, 2
"""Parts of a clock id in the kernel's ABI (CPUCLOCK_PERTHREAD_MASK and CPUCLOCK_SCHED)."""
HAS_THREAD_CLOCKS = sys.platform == "linux"


class ThreadClocks:
    """The clocks of the threads of this process, by their idents."""

    def __init__(self) -> None:
        self._clocks: dict[int, int] = {}
        self._read: dict[int, float] = {}

    def cpu_since_last(self, ident: int) -> float:
        """CPU seconds of a thread since it was read last; 0 at its first reading and where it is not known."""
        if not HAS_THREAD_CLOCKS:
            return 0.0
        try:
            now = time.clock_gettime(self._clock(ident))
        except OSError:  # the thread has ended, or another one has got its ident
            self._clocks.pop(ident, None)
            self._read.pop(ident, None)
            return 0.0
        last = self._read.get(ident, now)
        self._read[ident] = now
        return now - last

    def _clock(self, ident: int) -> int:
        if ident not in self._clocks:
            for thread in threading.enumerate():
                # Read past an app's subclass of Thread: no code of the app runs here.
                native = object.__getattribute__(thread, "_native_id")
                if thread.ident is not None and native is not None:
                    self._clocks[thread.ident] = (~native << 3) | _PER_THREAD | _SCHEDULER
        if ident not in self._clocks:
            raise ProcessLookupError(ident)
        return self._clocks[ident]
