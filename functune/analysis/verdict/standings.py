"""
The settings worth knowing by name: recommended, fastest, cheapest and Azure's defaults, each compared with the
recommended one.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

from functune.analysis.numbers.levels import Level, paired_ratio
from functune.analysis.numbers.repeats import Spread
from functune.analysis.verdict.recommendation import Recommendation
from functune.analysis.verdict.strategies import plainness
from functune.experiments.model import Baseline
from functune.setting import Setting

type StandingName = Literal["recommended", "fastest", "cheapest", "Azure's defaults", "present settings", "next best"]


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """A value and its spread across repeats."""

    value: float
    spread: Spread | None
    """None for a single repeat, or where a repeat is too short for the value."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """One setting at one number of users. Seconds, requests per second, and cost per million requests."""

    names: tuple[StandingName, ...]
    """All the names it has."""
    setting: Setting
    """The setting."""
    users: int
    """The users with which it is compared."""
    throughput: Figure
    """Successful requests per second."""
    p95: Figure | None
    """None where it had fewer than 72 requests."""
    cost: Figure | None
    """Per million requests; None where no price is known."""
    of_recommended: Figure | None
    """Its throughput over that of the recommended setting; None for the recommended setting itself."""


def standings_of(
    recommended: Recommendation, levels: Sequence[Level], *, seed: int, baseline: Baseline | None = None
) -> tuple[Standing, ...]:
    """
    One standing per setting that has a name, the recommended one first. ``levels`` are those of its subject.

    ``baseline`` is the present setting of the app; None compares with Azure's defaults.
    """
    by_step = {(level.setting, level.users): level for level in levels}
    entered = {each.setting: by_step[each.setting, each.users] for each in recommended.evidence}
    chosen = entered[recommended.setting]
    names: dict[Setting, list[StandingName]] = {}
    for name, level in named_levels(recommended, entered, baseline):
        names.setdefault(level.setting, []).append(name)
    return tuple(standing(tuple(names[setting]), entered[setting], chosen, seed) for setting in names)


def named_levels(
    recommended: Recommendation, entered: dict[Setting, Level], baseline: Baseline | None
) -> list[tuple[StandingName, Level]]:
    """The names and their levels; a level may have several names."""
    best = list(entered.values())
    named: list[tuple[StandingName, Level]] = [
        ("recommended", entered[recommended.setting]),
        ("fastest", min(best, key=lambda one: (-one.throughput, plainness(one)))),
    ]
    priced = [(one.figures.cost, plainness(one), one) for one in best if one.figures.cost is not None]
    if priced:
        named.append(("cheapest", min(priced, key=lambda entry: entry[:2])[2]))
    compared = Setting() if baseline is None else baseline.setting
    if compared in entered:
        named.append(("Azure's defaults" if baseline is None else "present settings", entered[compared]))
    elif recommended.next_best is not None:
        named.append(("next best", entered[recommended.next_best.setting]))
    return named


def standing(names: tuple[StandingName, ...], level: Level, chosen: Level, seed: int) -> Standing:
    """One setting with its figures."""
    p95, cost = level.figures.p95, level.figures.cost
    return Standing(
        names=names,
        setting=level.setting,
        users=level.users,
        throughput=Figure(value=level.throughput, spread=level.spread),
        p95=None if p95 is None else Figure(value=p95, spread=level.p95_spread),
        cost=None if cost is None else Figure(value=cost, spread=level.cost_spread),
        of_recommended=None if level is chosen else relative_throughput(level, chosen, seed),
    )


def relative_throughput(level: Level, chosen: Level, seed: int) -> Figure:
    """The throughput of a level over that of the chosen one."""
    spread = paired_ratio(level, chosen, lambda figures: figures.throughput, seed=seed)
    return Figure(value=level.throughput / chosen.throughput, spread=spread)
