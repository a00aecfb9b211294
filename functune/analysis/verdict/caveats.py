"""The reservations about a recommendation, one sentence each."""

from collections.abc import Collection, Mapping, Sequence

from functune.analysis.laws import littles_law
from functune.analysis.numbers.figures import FAILED_TOO_MUCH, Price
from functune.analysis.numbers.levels import Level
from functune.analysis.numbers.repeats import ENOUGH, SAME, SAME_IN_WORDS
from functune.experiments.model import Strategy
from functune.formatting import count, duration, joined, percent, plural
from functune.setting import Setting

CHEAP = 0.02
"""Seconds: a route that one user gets an answer from sooner says little about the rest of its app."""


def caveats(best: Level, levels: Sequence[Level], tied: Sequence[Level]) -> list[str]:
    """The reservations that the levels give. ``levels`` are all of the subject."""
    return [
        *repeat_caveats(tied),
        *peak_caveats(best, levels),
        *law_caveats(best),
        *scope_caveats(levels),
        *failure_caveats(levels),
    ]


def repeat_caveats(tied: Sequence[Level]) -> list[str]:
    """Too few repeats of the settings that were compared."""
    fewest = min(len(level.repeats) for level in tied)
    if fewest == 1:
        return [
            f"Not every setting within {SAME_IN_WORDS} of the best was measured twice, so ties rest on single figures."
        ]
    if fewest < ENOUGH:
        return [f"{plural(fewest, 'repeat')} give a range but no interval; {ENOUGH} give an interval."]
    return []


def peak_caveats(best: Level, levels: Sequence[Level]) -> list[str]:
    """Throughput that still rose at the most users measured. A curve that is flat within 5 % has reached its peak."""
    own = sorted((level for level in levels if level.setting == best.setting), key=lambda level: level.users)
    earlier = [level.throughput for level in own if level.users < best.users]
    if len(own) == 1:
        return [f"Measured with {plural(best.users, 'user')} alone: more users may give more throughput."]
    if best.users == own[-1].users and all(value < (1 - SAME) * best.throughput for value in earlier):
        return [f"No peak up to {best.users} users, the most measured: more users may give more throughput."]
    return []


def law_caveats(best: Level) -> list[str]:
    """Little's law at the recommended level."""
    off, needed = littles_law.residual(best.figures), littles_law.window_needed(best.figures)
    match littles_law.soundness(best.figures):
        case "broken" if off is not None:
            return [f"Little's law is off by {percent(off)} at the best step: measure it again."]
        case "window too short" if off is not None and needed is not None:
            return [
                f"The window is short for its latency: its edges alone can put Little's law off by the "
                f"{percent(off)} seen at the best step. {littles_law.how_to_check(needed)}"
            ]
    return []


def scope_caveats(levels: Sequence[Level]) -> list[str]:
    """A single cheap route, which says little about the rest of the app."""
    subject = levels[0].subject
    alone = [level.figures.p50 for level in levels if level.users == 1 and level.figures.p50 is not None]
    if subject.is_mix or not alone or min(alone) >= CHEAP:
        return []
    return [
        f"This applies to {subject} only, which answers in {duration(min(alone))}. An app has one setting for all its "
        "routes: measure a mix of its requests before you set it."
    ]


def failure_caveats(levels: Sequence[Level]) -> list[str]:
    """Steps that failed, or served nothing."""
    failed = [level for level in levels if not level.figures.worked]
    if not failed:
        return []
    was = "was not considered: it" if len(failed) == 1 else "were not considered: each"
    return [f"{count(len(failed))} of {plural(len(levels), 'step')} {was} {FAILED_TOO_MUCH}, or served nothing."]


def memory_caveats(large: Collection[Setting], memory: str) -> list[str]:
    """The settings that were not considered because of their memory; ``memory`` is what they exceed, in words."""
    if not large:
        return []
    return [
        f"{plural(len(large), 'setting')} used more than {memory} and "
        f"{'was' if len(large) == 1 else 'were'} not considered."
    ]


def price_caveats(compared: Mapping[Setting, Level], *, price: Price | None, strategy: Strategy) -> list[str]:
    """That the choice rests on the costs of instances of several plans; ``compared`` has a level of each setting."""
    if price is None or strategy not in ("cost", "balanced"):
        return []
    instances = list(dict.fromkeys(price.instance(setting) for setting in compared))
    if len(instances) < 2:
        return []
    if all(level.figures.setting_seen is not None for level in compared.values()):  # on the app's own instances
        cores = ""
    elif all(setting.instance is not None for setting in compared):
        cores = "which were measured here as quotas of a core that may be faster or slower, and "
    else:
        cores = "which have other cores than this machine, and "
    return [
        f"The costs that were compared are those of always busy instances of {joined(sorted(instances))}, {cores}of "
        "which only some are billed while they rest."
    ]
