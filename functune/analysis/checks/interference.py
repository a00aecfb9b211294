"""Programs that ran while steps were measured, and measurements whose window was too short."""

from collections.abc import Sequence

from functune.analysis.laws import littles_law
from functune.analysis.numbers.levels import Level
from functune.formatting import count, duration, plural
from functune.run.measurement import BUSY_MACHINE

LONG_PAUSE = 0.25
"""Share of a window: in so much of it at each end, load/windows.py looks for a pause to place the edge in."""
TOLERANCE = 0.2
"""Cores that an idle system, the sweep itself and the rounding of a short window use; up to 0.17 was seen."""


def interference_warnings(levels: Sequence[Level]) -> tuple[str, ...]:
    """The programs that make an experiment's figures doubtful, in a sentence; none on an idle machine."""
    others = [used for level in levels if (used := level.figures.other_cpu) is not None and used > BUSY_MACHINE]
    if not others:
        return ()
    return (
        f"Other programs used up to {used_cores(max(others))} while {part_that_was(others, levels)} measured: "
        "the figures may be too low. Repeat on an idle machine.",
    )


def window_warnings(levels: Sequence[Level]) -> tuple[str, ...]:
    """The measurements whose window was too short for their answers, a sentence each kind."""
    repeats = [repeat.figures for level in levels for repeat in level.repeats]
    rare = [each for each in repeats if each.longest_pause > LONG_PAUSE * each.duration]
    found = []
    if rare:
        pause = max(each.longest_pause for each in rare)
        found.append(
            f"No answer came for up to {duration(pause)} in {count(len(rare))} of "
            f"{plural(len(repeats), 'measurement')}, more than a quarter of the window, so throughput is off by the "
            f"answers at its edges: measure for {duration(pause / LONG_PAUSE)} or longer."
        )
    short = [each for each in repeats if littles_law.soundness(each) == "window too short"]
    if short:
        needed = max(seconds for each in short if (seconds := littles_law.window_needed(each)) is not None)
        found.append(
            f"The window was too short to check Little's law in {count(len(short))} of "
            f"{plural(len(repeats), 'measurement')}: requests in flight at its edges explain the difference. "
            f"{littles_law.how_to_check(needed)}"
        )
    return tuple(found)


def part_that_was(some: Sequence[object], levels: Sequence[Level]) -> str:
    """``2 of 12 steps were``, to go on with a participle."""
    return f"{part_in_words(some, levels)} {'was' if len(some) == 1 else 'were'}"


def part_in_words(some: Sequence[object], levels: Sequence[Level]) -> str:
    """``2 of 12 steps``."""
    return f"{count(len(some))} of {plural(len(levels), 'step')}"


def used_cores(value: float) -> str:
    """Cores in words, to hundredths, the unit in which the system counts them."""
    return f"{value:.2f} cores"


def not_free(levels: Sequence[Level], *, needed: int, machine: float | None) -> str | None:
    """
    Why too few cores were free to judge these steps, in words; None when there were enough.

    There were enough if in each step the machine's cores minus those used by other programs come to ``needed``, within
    TOLERANCE.
    """
    needs = f"needs {plural(needed, 'free core')}"
    if machine is None:
        return f"{needs}, and how many the machine has is not known"
    if machine < needed:
        return f"{needs}, and the machine has {machine:g}"
    used = [level.figures.other_cpu for level in levels]
    known = [value for value in used if value is not None]
    if len(known) < len(used):
        return f"{needs}, and the use by other programs is not known"
    most = max(known, default=0.0)
    if machine - most < needed - TOLERANCE:
        return f"{needs}, and other programs used {used_cores(most)} of {machine:g}"
    return None
