"""
The switch of the samplers of a host: one page that the lab and all workers map.

A worker reads it without a system call, so the lab can turn sampling on and off while the event loop is blocked, and a
sampler that looks at the switch does not release the GIL.
"""

import mmap
from pathlib import Path
from typing import Self

SWITCH_FILE = "switch"
_PERIOD, _LAST = 0, 1
"""Bytes of the page: the period that is sampled now, 0 for none, and the last period that was begun."""
_PERIODS = 255


class SamplerSwitch:
    """The switch in a folder. ``period`` is the number of the sampling period, 1 to 255, or 0 while sampling is off."""

    def __init__(self, folder: Path) -> None:
        """Map the switch. Raises OSError where the folder has none."""
        with (folder / SWITCH_FILE).open("r+b") as file:
            self._page = mmap.mmap(file.fileno(), mmap.PAGESIZE)

    @classmethod
    def create(cls, folder: Path) -> Self:
        """A new switch, off, in an existing folder. Raises OSError where the folder cannot be written."""
        (folder / SWITCH_FILE).write_bytes(bytes(mmap.PAGESIZE))
        return cls(folder)

    @property
    def period(self) -> int:
        """The period that is sampled now; 0 while sampling is off."""
        return self._page[_PERIOD]

    @property
    def last(self) -> int:
        """The last period that was begun, which may have ended; 0 before the first."""
        return self._page[_LAST]

    def turn_on(self) -> int:
        """Begin a new period and return its number."""
        period = self.last % _PERIODS + 1
        # In this order: a sampler that sees a new last period must not take it for one that has ended.
        self._page[_PERIOD] = period
        self._page[_LAST] = period
        return period

    def turn_off(self) -> None:
        """End the period; each worker then writes its samples."""
        self._page[_PERIOD] = 0
