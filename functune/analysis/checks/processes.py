"""Steps that fewer worker processes served than their setting has, as the answers show it."""

from collections.abc import Sequence

from functune.analysis.checks.interference import part_in_words
from functune.analysis.numbers.levels import Level
from functune.formatting import plural

KEPT_ALIVE = (
    "A connection that is kept alive stays with the process that accepted it. To reach all processes, use more users, "
    "or a server that closes each connection, as Gunicorn does with --keep-alive 0."
)

USERS_EACH = 2
"""Users for each process from which one without any is worth a warning: with fewer, chance often leaves it none."""


def process_warnings(levels: Sequence[Level]) -> tuple[str, ...]:
    """
    The steps that fewer processes served than their setting has, in a sentence; none where all processes answered.

    Steps with few users do not count: not each process has to get one of them.
    """
    few = [
        level
        for level in levels
        if 0 < share_serving(level) < 1 and level.users >= USERS_EACH * level.setting.process_count
    ]
    if not few:
        return ()
    shown = min(few, key=share_serving)
    serving, processes = shown.figures.serving_processes, plural(shown.setting.process_count, "process")
    said = (
        f"Fewer processes than their setting has served {part_in_words(few, levels)}, so the setting may serve more "
        f"than was measured there: {serving} of {processes} served all requests with {shown}."
    )
    return (said if shown.setting.is_on_functions else f"{said} {KEPT_ALIVE}",)


def share_serving(level: Level) -> float:
    """The share of the processes of a level's setting that served it; 0 where answers do not name their process."""
    return (level.figures.serving_processes or 0) / level.setting.process_count
