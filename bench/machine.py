"""How much of the machine other programs used, because a figure measured on busy cores is not reliable."""

import os
import time

from functune.load.cpu import machine_seconds
from functune.run.measurement import BUSY_MACHINE


class Watch:
    """Counts from its creation the CPU time of everything but this process and the children that have ended."""

    def __init__(self) -> None:
        self._at = time.perf_counter()
        self._used = _others_seconds()

    def others(self) -> float:
        """Cores that other programs used until now, CPU seconds per second."""
        return max((_others_seconds() - self._used) / (time.perf_counter() - self._at), 0.0)


def is_busy(others: float) -> bool:
    """Whether other programs used so many cores that a missed bound may be their doing."""
    return others > BUSY_MACHINE


def _others_seconds() -> float:
    times = os.times()
    return machine_seconds() - times.user - times.system - times.children_user - times.children_system
