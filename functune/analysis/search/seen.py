"""The levels that a search has measured, and whether each of them counts."""

from collections.abc import Sequence

import msgspec

from functune.analysis.numbers.levels import Level
from functune.analysis.search.objective import Objective
from functune.setting import Setting


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A level, and whether it counts."""

    level: Level
    kept: bool | None
    """Whether it worked and keeps the objective; None where its requests are too few to decide."""

    @property
    def throughput(self) -> float:
        """Requests per second."""
        return self.level.throughput


def first_measured(level: Level) -> float:
    """When a level was measured first, epoch seconds."""
    return min(repeat.started_at for repeat in level.repeats)


def seen_levels(levels: Sequence[Level], objective: Objective | None) -> dict[Setting, dict[int, Seen]]:
    """The levels of each setting, by users, ascending."""
    found: dict[Setting, dict[int, Seen]] = {}
    for level in sorted(levels, key=lambda level: level.users):
        found.setdefault(level.setting, {})[level.users] = seen_level(level, objective)
    return found


def seen_level(level: Level, objective: Objective | None) -> Seen:
    """The level, and whether it keeps the objective."""
    worked = level.figures.worked
    return Seen(level=level, kept=objective.met(level.figures) if worked and objective is not None else worked)
