"""
The settings worth knowing by name: recommended, fastest, cheapest, Azure's defaults; each beside the recommended one.

Every figure is of all repeats of a step together; what it varies by is read from the repeats one by one.
"""

from collections.abc import Callable, Sequence
from typing import Literal

import msgspec
import numpy as np

from functune.analysis.objective import Figures
from functune.analysis.recommendation import Recommendation
from functune.analysis.repeats import Spread, ratio, spread
from functune.analysis.strategies import Candidate, plainness
from functune.measurements import Setting

type Name = Literal["recommended", "fastest", "cheapest", "Azure's defaults", "next best"]


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """A value, and what it spans across repeats."""

    value: float
    spread: Spread | None
    """None of a single repeat, or where a repeat is too short for the value."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """One setting at one number of users. Seconds, requests per second, and cost per million requests."""

    names: tuple[Name, ...]
    """All it is."""
    setting: Setting
    users: int
    throughput: Figure
    p95: Figure | None
    """None where it had fewer than 72 requests."""
    cost: Figure | None
    """None where no price is known."""
    of_recommended: Figure | None
    """Its throughput over that of the recommended setting, repeat by repeat of the same round; None for that itself."""


def standings(
    recommended: Recommendation, offered: Sequence[Candidate], *, generator: np.random.Generator
) -> tuple[Standing, ...]:
    """One per setting that has a name, the recommended one first. ``offered`` are the candidates of its route."""
    by_step = {(one.setting, one.users): one for one in offered}
    evidence = {each.setting: by_step[each.setting, each.users] for each in recommended.evidence}
    chosen = evidence[recommended.setting]
    named: list[tuple[Name, Candidate]] = [("recommended", chosen)]
    best = list(evidence.values())
    named.append(("fastest", min(best, key=lambda one: (-one.figures.throughput, plainness(one)))))
    priced = [(one.figures.cost, plainness(one), one) for one in best if one.figures.cost is not None]
    if priced:
        named.append(("cheapest", min(priced, key=lambda entry: entry[:2])[2]))
    if Setting() in evidence:
        named.append(("Azure's defaults", evidence[Setting()]))
    elif recommended.next_best is not None:
        named.append(("next best", evidence[recommended.next_best.setting]))
    names: dict[Setting, list[Name]] = {}
    for name, one in named:
        names.setdefault(one.setting, []).append(name)
    return tuple(standing(tuple(names[setting]), evidence[setting], chosen, generator) for setting in names)


def standing(names: tuple[Name, ...], one: Candidate, chosen: Candidate, generator: np.random.Generator) -> Standing:
    """One setting with its figures."""
    return Standing(
        names=names,
        setting=one.setting,
        users=one.users,
        throughput=Figure(
            value=one.figures.throughput, spread=across(one, lambda figures: figures.throughput, generator)
        ),
        p95=figure(one, lambda figures: figures.p95, generator),
        cost=figure(one, lambda figures: figures.cost, generator),
        of_recommended=None if one is chosen else compared(one, chosen, generator),
    )


def figure(one: Candidate, value: Callable[[Figures], float | None], generator: np.random.Generator) -> Figure | None:
    """A figure of a candidate; None where it is not known."""
    found = value(one.figures)
    return None if found is None else Figure(value=found, spread=across(one, value, generator))


def across(one: Candidate, value: Callable[[Figures], float | None], generator: np.random.Generator) -> Spread | None:
    """What a figure spans across the repeats of a candidate; None where one of them does not know it."""
    values = [value(figures) for figures in one.repeats.values()]
    known = [each for each in values if each]
    return spread(known, generator=generator) if len(known) == len(values) else None


def compared(one: Candidate, chosen: Candidate, generator: np.random.Generator) -> Figure:
    """How many times the throughput of the chosen candidate another one has."""
    ours, theirs = (
        {repeat: figures.throughput for repeat, figures in each.repeats.items() if figures.throughput}
        for each in (one, chosen)
    )
    return Figure(
        value=one.figures.throughput / chosen.figures.throughput, spread=ratio(ours, theirs, generator=generator)
    )
