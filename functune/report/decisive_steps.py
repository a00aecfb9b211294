"""The steps of an experiment that decide its question: those that its expectations are about, with their series."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import msgspec

from functune.analysis.checks.expectations import select
from functune.analysis.numbers.levels import Level
from functune.experiments.model import Experiment, Metric, Where
from functune.experiments.planned import planned_steps, selects_step
from functune.formatting import plural
from functune.setting import COLUMNS, Knob


def knob_label(knob: Knob, value: object) -> str:
    """A value of an experiment file in words."""
    return knob.words(knob.read(value))


LABELS: dict[str, Callable[[Any], str]] = {
    "route": str,
    **{knob.name: partial(knob_label, knob) for knob in COLUMNS},
    "users": lambda count: plural(count, "user"),
    "background_users": lambda count: f"with {plural(count, 'background user')}" if count else "alone",
    "arrivals": lambda share: f"arrivals at {share * 100:g} % of the capacity",
}
"""The keys of a step in words, in the order of a label."""


class DecisiveStep(msgspec.Struct, frozen=True, kw_only=True):
    """A step that an expectation is about, or one of its series."""

    label: str
    level: Level | None
    """None when it was not measured."""
    metrics: tuple[Metric, ...]
    """The metrics that expectations are about."""


def decisive_steps(experiment: Experiment, levels: Sequence[Level]) -> tuple[DecisiveStep, ...]:
    """The steps that expectations are about, each with its whole series, in the order of the experiment file."""
    looked_at: list[tuple[Where, list[Metric]]] = []  # a list, since a Where with app settings cannot be hashed
    for expectation in experiment.expect:
        for where in (expectation.where, expectation.over):
            for each in whole_series(experiment, where) if where is not None else ():
                known = next((metrics for other, metrics in looked_at if other == each), None)
                if known is None:
                    looked_at.append((each, [expectation.metric]))
                elif expectation.metric not in known:
                    known.append(expectation.metric)
    looked_at.sort(key=lambda pair: planned_place(experiment, pair[0]))
    wheres = [where for where, _ in looked_at]
    varying = [name for name in LABELS if any(getattr(where, name) != getattr(wheres[0], name) for where in wheres)]
    return tuple(
        DecisiveStep(
            label=step_label(experiment, where, varying or list(LABELS)),
            level=select(where, levels),
            metrics=tuple(metrics),
        )
        for where, metrics in looked_at
    )


def whole_series(experiment: Experiment, where: Where) -> list[Where]:
    """The step, or every step of its series: all background loads, or all rates of arrivals."""
    if where.arrivals is not None:
        return [msgspec.structs.replace(where, arrivals=share) for share in experiment.load.arrivals]
    if where.background_users is not None:
        levels = experiment.workload.background_users
        return [msgspec.structs.replace(where, background_users=level) for level in levels]
    return [where]


def planned_place(experiment: Experiment, where: Where) -> tuple[float, int]:
    """The place of a step in the experiment's plan; arrivals come after all closed loops."""
    planned = list(planned_steps(experiment))
    return where.arrivals or 0.0, next(number for number, step in enumerate(planned) if selects_step(where, step))


def step_label(experiment: Experiment, where: Where, names: Sequence[str]) -> str:
    """The named keys of a step in words."""
    chosen_keys = {name: getattr(where, name) for name in names}
    found = [LABELS[name](value) for name, value in chosen_keys.items() if value is not None and name != "app_settings"]
    if "app_settings" in chosen_keys:
        chosen = where.app_settings or {}
        every = dict.fromkeys(name for values in experiment.settings.app_settings for name in values)
        found += [f"{name} {chosen.get(name, 'unset')}" for name in every]
    return ", ".join(found) or "the one step"
