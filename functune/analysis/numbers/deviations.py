"""How far each repeat of a step is from the mean of its repeats."""

from collections.abc import Sequence

import msgspec

from functune.analysis.numbers.levels import Level, Repeat


class Deviation(msgspec.Struct, frozen=True, kw_only=True):
    """One repeat of one step."""

    level: Level
    repeat: Repeat
    relative: float
    """Throughput over the mean of the step's repeats, minus 1."""


def deviations_of(levels: Sequence[Level]) -> list[Deviation]:
    """Every repeat of the levels that were measured more than once and served something."""
    found = []
    for level in levels:
        mean = sum(repeat.figures.throughput for repeat in level.repeats) / max(len(level.repeats), 1)
        if len(level.repeats) > 1 and mean > 0:
            found += [
                Deviation(level=level, repeat=repeat, relative=repeat.figures.throughput / mean - 1)
                for repeat in level.repeats
            ]
    return found
