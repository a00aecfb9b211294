"""
The samples of one process, counted by line and time.

The file has ``period``, ``pid``, ``slice`` (seconds), ``error`` (null, or a traceback of the sampler),
``has_thread_clocks``, ``process`` (seconds, CPU seconds and samples by slice) and ``rows``: a row's fields, with
``slices`` of the same form. A slice is named by its number since the epoch, so that the samples of a step can be cut
out afterwards.
"""

import json
import os
import time
from pathlib import Path
from typing import NamedTuple

from functune.timing.frames_waits import WaitKind
from functune.timing.sampler_clocks import HAS_THREAD_CLOCKS

SLICE = 0.1
"""Seconds."""


class TalliedRow(NamedTuple):
    """A line of the reader's code with its wait or work, and the stack that led to it."""

    file: str
    line: int
    function: str
    kind: WaitKind
    waits_in: str | None
    is_certain: bool
    """False where a C function may wait or compute: its CPU time decides."""
    on_loop: bool
    """Whether it holds the event loop meanwhile."""
    stack: tuple[str, ...]
    """From the outermost frame of the reader's code to the innermost frame."""

    @property
    def may_run(self) -> bool:
        """Whether CPU time may be spent at the line."""
        return self.kind == "cpu" or not self.is_certain


class Tally:
    """Samples of a period."""

    def __init__(self, period: int) -> None:
        self.period = period
        self.error: str | None = None
        self._rows: dict[TalliedRow, dict[int, list[float]]] = {}
        self._process: dict[int, list[float]] = {}
        self._slice = 0
        self._cpu = time.process_time()

    def begin_sample(self, seconds: float) -> None:
        """Begin a sample that stands for ``seconds``."""
        self._slice = int(time.time() / SLICE)
        used = time.process_time()
        add_to(self._process, self._slice, seconds, used - self._cpu)
        self._cpu = used

    def add(self, row: TalliedRow, seconds: float, cpu: float) -> None:
        """Count a sample at a row."""
        add_to(self._rows.setdefault(row, {}), self._slice, seconds, cpu)

    def add_cpu(self, row: TalliedRow, cpu: float) -> None:
        """Add CPU seconds to a row that was counted before."""
        if (slices := self._rows.get(row)) and self._slice in slices:
            slices[self._slice][1] += cpu

    def write(self, path: Path) -> None:
        """Write the file in one step, so that a process that is killed leaves none or a whole one."""
        document = {
            "period": self.period,
            "pid": os.getpid(),
            "slice": SLICE,
            "error": self.error,
            "has_thread_clocks": HAS_THREAD_CLOCKS,
            "process": self._process,
            "rows": [{**row._asdict(), "slices": slices} for row, slices in self._rows.items()],
        }
        part = path.with_suffix(".part")
        part.write_text(json.dumps(document), encoding="utf-8")
        part.replace(path)


def add_to(slices: dict[int, list[float]], place: int, seconds: float, cpu: float) -> None:
    """Count a sample in a slice."""
    held = slices.setdefault(place, [0.0, 0.0, 0])
    held[0] += seconds
    held[1] += cpu
    held[2] += 1
