"""Steps on an app that runs elsewhere: several instances that served them, and settings whose effect was not seen."""

from collections.abc import Sequence

from functune.analysis.checks.interference import part_in_words, part_that_was
from functune.analysis.numbers.levels import Level
from functune.formatting import count


def instance_warnings(levels: Sequence[Level]) -> tuple[str, ...]:
    """The steps that several instances served, in a sentence; none where one served each."""
    several = [many for level in levels if (many := level.figures.instances) is not None and many > 1]
    if not several:
        return ()
    least, most = min(several), max(several)
    said = count(most) if least == most else f"{count(least)} to {count(most)}"
    return (
        f"{said} instances served {part_in_words(several, levels)}: the throughput there is that of all of them "
        "together, and not of one. Fewer users, or a higher per-instance concurrency, keep a step on one instance.",
    )


def unseen_warnings(levels: Sequence[Level]) -> tuple[str, ...]:
    """The steps whose setting was written and not seen to take effect, in a sentence."""
    unseen = [level for level in levels if level.figures.setting_seen is False]
    if not unseen:
        return ()
    return (
        f"When {part_that_was(unseen, levels)} measured, Resource Manager showed the setting, but no answer of the app "
        "did: functune waited for the restart without seeing it. With the file of `functune instrument` in the app, "
        "its answers show the setting.",
    )
