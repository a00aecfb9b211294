"""An experiment's measurements, analysed: recommendations, checked expectations and the sentence that sums them up."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from functune.analysis import expectations, interference, recommendation, validity
from functune.analysis.bounds import Demand, demand
from functune.analysis.diagnosis import SAME
from functune.analysis.expectations import Outcome
from functune.analysis.exploration import explore
from functune.analysis.formatting import duration, joined, number, plural, rate, setting
from functune.analysis.pooling import by_step, pooled
from functune.analysis.recommendation import Evidence, Recommendation, aim, settings_to_set
from functune.analysis.search import Skipped
from functune.analysis.strategies import NoChoice, Strategy, simplicity
from functune.analysis.subjects import named, subjects
from functune.analysis.validity import void_reason
from functune.experiments import Experiment
from functune.experiments import steps as planned_steps
from functune.measurements import Measurement, Setting

AIMS: dict[Strategy, str] = {
    "throughput": "the most throughput",
    "latency": "the lowest p95",
    "cost": "the lowest cost",
    "balanced": "the best balance of cost and p95",
}


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """A setting to use, and the routes it is for."""

    routes: tuple[str, ...]
    setting: Setting
    settings_to_set: dict[str, str | None]
    """App settings and their values; None: leave unset."""


class Void(msgspec.Struct, frozen=True, kw_only=True):
    """A step that was measured and says nothing of the app."""

    step: Measurement
    reason: str


class Analysis(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the report says about one experiment."""

    experiment: Experiment
    cores: float | None
    measurements: tuple[Measurement, ...]
    """One per closed-loop step, its repeats in one, in the order of subjects, settings (simplest first) and users."""
    repeats: tuple[Measurement, ...]
    """Every closed-loop measurement that counts, as it was measured."""
    arrivals: tuple[Measurement, ...]
    """One per open-loop step, its repeats in one, in the same order, by rate."""
    void: tuple[Void, ...]
    """What was measured and does not count."""
    skipped: tuple[Skipped, ...]
    """Settings the search measured no further, and why."""
    subjects: tuple[str, ...]
    """
    What is compared between settings, in file order: the routes, each with every load beside it.

    ``route`` of all measurements here is one of them.
    """
    planned: int
    """Steps of the experiment's grid; fewer are measured where a search skipped some, or a run was cut short."""
    demands: dict[str, Demand]
    """By route; a route without a single-user step is missing."""
    recommendations: tuple[Recommendation, ...]
    """One per route that has a candidate, in file order."""
    unmet: dict[str, str]
    """By subject, why nothing can be recommended for it."""
    advice: tuple[Advice, ...]
    """One for all routes where one setting suits them all, else one per route; none where nothing was to choose."""
    outcomes: tuple[Outcome, ...]
    verdict: str
    """One sentence."""
    warnings: tuple[str, ...] = ()
    """What ran beside and makes the figures doubtful."""

    @property
    def passed(self) -> bool:
        """Whether no expectation fails; those that were not judged do not count."""
        return all(outcome.result != "fails" for outcome in self.outcomes)


def analyse(
    experiment: Experiment, measurements: Iterable[Measurement], *, cores: float | None = None, plan: str | None = None
) -> Analysis:
    """
    The analysis of one experiment; measurements of others are passed over.

    ``cores`` is the measuring machine's, None when unknown; ``plan`` the hosting plan the settings are for, "flex" or
    anything else.
    """
    measured = [step for step in measurements if step.experiment == experiment.name]
    mine = [named(step) for step in measured]
    void = tuple(Void(step=step, reason=reason) for step in mine if (reason := void_reason(step)))
    valid = [step for step in mine if void_reason(step) is None]
    compared = subjects(experiment)
    repeats = [step for step in valid if step.arrival_rate is None]
    steps = in_order(map(pooled, by_step(repeats).values()), compared)
    open_loop = [step for step in valid if step.arrival_rate is not None]
    arrivals = in_order(map(pooled, by_step(open_loop).values()), compared)
    wanted = aim(experiment)
    found = {route: recommendation.recommend(route, repeats, aim=wanted, cores=cores, plan=plan) for route in compared}
    recommendations = tuple(each for each in found.values() if not isinstance(each, NoChoice))
    unmet = {route: each.reason for route, each in found.items() if isinstance(each, NoChoice)}
    demands = {route: demand(step for step in steps if step.route == route) for route in compared}
    advice = advise(recommendations, plan=plan)
    return Analysis(
        experiment=experiment,
        cores=cores,
        measurements=steps,
        repeats=tuple(repeats),
        arrivals=arrivals,
        void=void,
        subjects=compared,
        skipped=explore(experiment, repeats, cores=cores).skipped if experiment.load.search == "adaptive" else (),
        planned=len(list(planned_steps(experiment))),
        demands={route: value for route, value in demands.items() if value is not None},
        recommendations=recommendations,
        unmet=unmet,
        advice=advice,
        outcomes=expectations.check(experiment, [step for step in measured if void_reason(step) is None], cores=cores),
        verdict=verdict(recommendations, advice, unmet) if steps else "Nothing of this experiment was measured.",
        warnings=(*interference.warnings(steps), *validity.warnings(repeats)),
    )


def in_order(steps: Iterable[Measurement], compared: Sequence[str]) -> tuple[Measurement, ...]:
    """The steps in the report's order."""
    return tuple(
        sorted(
            (step for step in steps if step.route in compared),
            key=lambda step: (
                compared.index(step.route),
                simplicity(step.setting),
                step.arrival_rate or 0.0,
                step.users,
            ),
        )
    )


def advise(recommendations: Sequence[Recommendation], *, plan: str | None) -> tuple[Advice, ...]:
    """
    What to set: the simplest setting within 5 % of the fastest on every route, or one per route where none is.

    An app has one setting for all its routes, so one that suits them all is worth more than the best of each.
    """
    if all(len(recommended.evidence) == 1 for recommended in recommendations):
        return ()
    common = set.intersection(*(set(recommended.ties) for recommended in recommendations))
    if common:
        chosen = [(tuple(each.route for each in recommendations), min(common, key=simplicity))]
    else:
        chosen = [((each.route,), each.setting) for each in recommendations]
    return tuple(
        Advice(routes=routes, setting=one, settings_to_set=settings_to_set(one, plan=plan)) for routes, one in chosen
    )


def verdict(recommendations: Sequence[Recommendation], advice: Sequence[Advice], unmet: Mapping[str, str]) -> str:
    """The sentence that sums an experiment up."""
    if not recommendations:
        return f"No setting can be recommended. {next(iter(unmet.values()), '')}".strip()
    left_out = "".join(f" For {route}: {reason}" for route, reason in unmet.items())
    return sentence(recommendations, advice) + left_out


def sentence(recommendations: Sequence[Recommendation], advice: Sequence[Advice]) -> str:
    """The verdict on what can be recommended."""
    if len(recommendations) == 1:
        return one_route(recommendations[0])
    if not advice:
        return routes_compared(recommendations)
    if len(advice) == 1:
        return (
            f"Use {setting(advice[0].setting)}, within 5 % of the best for every route: "
            f"{joined(served(recommendations, advice[0].setting))}."
        )
    wishes = [f"{setting(each.setting)} for {each.routes[0]}" for each in advice]
    return f"No one setting suits every route: use {joined(wishes)}."


def served(recommendations: Sequence[Recommendation], setting: Setting) -> list[str]:
    """What each route serves with a setting, most first; beyond three routes only the most and the least."""
    ordered = sorted(
        ((each.throughput, one.route) for one in recommendations for each in one.evidence if each.setting == setting),
        reverse=True,
    )
    shown = ordered if len(ordered) <= 3 else [ordered[0], ordered[-1]]
    return [f"{rate(throughput)} on {route}" for throughput, route in shown]


def one_route(recommended: Recommendation) -> str:
    """The verdict where one route was measured."""
    best = recommended.best
    measured = f"{rate(best.throughput)} at {plural(best.users, 'user')}"
    if len(recommended.evidence) == 1:
        return f"One setting was measured, {setting(best.setting)}: {measured}."
    if recommended.next_best is None:
        return (
            f"No setting makes a difference, so use the simplest, {setting(best.setting)}: {measured}, and none of the "
            f"{len(recommended.evidence)} measured is shown to be more than 5 % better."
        )
    if recommended.strategy != "throughput":
        p95 = f", p95 {duration(best.p95)}" if best.p95 is not None else ""
        return f"Use {setting(best.setting)}: {measured}{p95}, {AIMS[recommended.strategy]} of those measured."
    base = baseline(recommended)
    no_gain = Setting() in recommended.ties and Setting() != best.setting
    return (
        f"Use {setting(best.setting)}: {measured}, {'as with the defaults and ' if no_gain else ''}"
        f"{number(best.throughput / base.throughput)} times the throughput of "
        f"{setting(base.setting)}{' (the defaults)' if base.setting == Setting() else ''}."
    )


def baseline(recommended: Recommendation) -> Evidence:
    """What to compare with: Azure's defaults when they were measured and lost, else the slowest setting."""
    defaults = [each for each in recommended.evidence if each.setting == Setting()]
    if defaults and Setting() not in recommended.ties:
        return defaults[0]
    return min(recommended.evidence, key=lambda each: each.throughput)


def routes_compared(recommendations: Sequence[Recommendation]) -> str:
    """The verdict where every route was measured with the same single setting: the routes are the question."""
    ordered = sorted(recommendations, key=lambda recommended: -recommended.best.throughput)
    fastest, slowest = ordered[0].best, ordered[-1].best
    gain = fastest.throughput / slowest.throughput
    if gain < 1 / (1 - SAME):
        return (
            f"All {len(ordered)} routes serve about the same with {setting(fastest.setting)}: "
            f"{rate(fastest.throughput)} at best."
        )
    return (
        f"With {setting(fastest.setting)}, {ordered[0].route} serves {rate(fastest.throughput)}, "
        f"{number(gain)} times {ordered[-1].route} ({rate(slowest.throughput)})."
    )
