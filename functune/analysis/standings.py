"""
The settings worth knowing by name: recommended, fastest, cheapest, Azure's defaults; each beside the recommended one.

Every figure is of all repeats of a step together; what it varies by is read from the repeats one by one.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec
import numpy as np

from functune.analysis.recommendation import Recommendation
from functune.analysis.repeats import Spread, ratio, seeded_spread
from functune.analysis.strategies import Candidate, plainness
from functune.measurements import Measurement, Setting

type Name = Literal["recommended", "fastest", "cheapest", "Azure's defaults", "next best"]


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """A value, and what it spans across repeats."""

    value: float
    spread: Spread | None
    """None for a single repeat, or where a repeat is too short for the value."""


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


class StepSpreads(msgspec.Struct, frozen=True, kw_only=True):
    """The spread of each figure of a step over its repeats; None as in ``Figure``. Units as in ``Standing``."""

    throughput: Spread | None = None
    p95: Spread | None = None
    cost: Spread | None = None


type SpreadsByStep = Mapping[tuple[Setting, int], StepSpreads]
"""By setting and users."""


def step_spreads(repeats: Iterable[Measurement], offered: Iterable[Candidate], *, seed: int) -> SpreadsByStep:
    """The spreads of every step of a route; of p95 and cost only where the step is a candidate."""
    throughputs: dict[tuple[Setting, int], list[float]] = {}
    for step in repeats:
        throughputs.setdefault((step.setting, step.users), []).append(step.throughput)
    found = {key: StepSpreads(throughput=known_spread(values, seed)) for key, values in throughputs.items()}
    for one in offered:
        figures = one.repeats.values()
        found[one.setting, one.users] = StepSpreads(
            throughput=known_spread([each.throughput for each in figures], seed),
            p95=known_spread([each.p95 for each in figures], seed),
            cost=known_spread([each.cost for each in figures], seed),
        )
    return found


def known_spread(values: Sequence[float | None], seed: int) -> Spread | None:
    """The spread of a figure of each repeat; None where one of them does not know it."""
    known = [value for value in values if value]
    return seeded_spread(known, seed=seed) if len(known) == len(values) else None


def standings(
    recommended: Recommendation, offered: Sequence[Candidate], spreads: SpreadsByStep, *, seed: int
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
    return tuple(
        standing(
            tuple(names[setting]),
            evidence[setting],
            spreads[setting, evidence[setting].users],
            of_recommended=None if setting == chosen.setting else compared(evidence[setting], chosen, seed),
        )
        for setting in names
    )


def standing(
    names: tuple[Name, ...], one: Candidate, spreads: StepSpreads, *, of_recommended: Figure | None
) -> Standing:
    """One setting with its figures."""
    p95, cost = one.figures.p95, one.figures.cost
    return Standing(
        names=names,
        setting=one.setting,
        users=one.users,
        throughput=Figure(value=one.figures.throughput, spread=spreads.throughput),
        p95=None if p95 is None else Figure(value=p95, spread=spreads.p95),
        cost=None if cost is None else Figure(value=cost, spread=spreads.cost),
        of_recommended=of_recommended,
    )


def compared(one: Candidate, chosen: Candidate, seed: int) -> Figure:
    """How many times the throughput of the chosen candidate another one has."""
    ours, theirs = (
        {repeat: figures.throughput for repeat, figures in each.repeats.items() if figures.throughput}
        for each in (one, chosen)
    )
    return Figure(
        value=one.figures.throughput / chosen.figures.throughput,
        spread=ratio(ours, theirs, generator=np.random.default_rng(seed)),
    )
