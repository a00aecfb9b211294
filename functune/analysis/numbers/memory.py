"""The settings whose worker processes do not fit the memory of an instance."""

from collections.abc import Iterable

from functune.analysis.numbers.levels import Level
from functune.setting import Setting


def settings_too_large(levels: Iterable[Level], memory_mb: int | None) -> frozenset[Setting]:
    """
    The settings with a level that used more memory than an instance has; none where its memory is not known.

    One level excludes its setting: an instance serves many users with it, not only the few of its other levels.
    """
    if memory_mb is None:
        return frozenset()
    return frozenset(level.setting for level in levels if (level.figures.worker_peak_mb or 0.0) > memory_mb)


def settings_killed(levels: Iterable[Level]) -> frozenset[Setting]:
    """The settings with a level in which the kernel ended a process for the memory of the setting's own instance."""
    return frozenset(level.setting for level in levels if level.figures.memory_kills)
