"""Everything the report draws of an experiment, route by route, computed from its analysis once."""

from collections.abc import Mapping

import msgspec
import numpy as np

from functune.analysis.curves import curves
from functune.analysis.prediction import Prediction, predict
from functune.analysis.recommendation import Recommendation, priced
from functune.analysis.standings import SpreadsByStep, Standing, standings, step_spreads
from functune.analysis.strategies import Candidate, pareto
from functune.analysis.time_split import Split, splits
from functune.analysis.usl import Fit, Refused
from functune.analysis.verdict import Analysis
from functune.measurements import Measurement, Setting


class RouteFindings(msgspec.Struct, frozen=True, kw_only=True):
    """One route, or one route with one load beside it."""

    route: str
    recommended: Recommendation | None
    steps: tuple[Measurement, ...]
    """Closed-loop steps, repeats in one."""
    repeats: tuple[Measurement, ...]
    arrivals: tuple[Measurement, ...]
    predictions: tuple[Prediction, ...]
    """Of the arrivals that queueing theory has a mean for, in the same order."""
    candidates: tuple[Candidate, ...]
    """Every step that worked, priced."""
    spreads: SpreadsByStep
    """The spreads that every table, file and chart prints."""
    front: tuple[Candidate, ...]
    """Those that no other beats in both cost and p95, cheapest first."""
    standings: tuple[Standing, ...]
    curves: dict[Setting, Fit | Refused]
    splits: tuple[Split, ...]
    """Of the recommended setting, by users."""


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """One experiment."""

    analysis: Analysis
    routes: tuple[RouteFindings, ...]
    """Those of which something was measured, in file order."""
    failed: Mapping[tuple[str, Setting], str]
    """Why a route could not be measured with a setting, or not to its end."""
    skipped: Mapping[tuple[str, Setting], str]
    """Why the search measured a route no further with a setting."""


def find(analysis: Analysis, *, failed: Mapping[tuple[str, Setting], str] | None = None) -> Findings:
    """The findings of an experiment; the same analysis gives the same, since what is resampled is seeded."""
    measured = {step.route for step in (*analysis.measurements, *analysis.arrivals)}
    return Findings(
        analysis=analysis,
        routes=tuple(find_route(analysis, route) for route in analysis.subjects if route in measured),
        failed=failed or {},
        skipped={(each.route, each.setting): each.reason for each in analysis.skipped},
    )


def find_route(analysis: Analysis, route: str) -> RouteFindings:
    """The findings of one route."""
    seed = analysis.experiment.load.seed
    recommended = next((each for each in analysis.recommendations if each.route == route), None)
    steps = tuple(step for step in analysis.measurements if step.route == route)
    repeats = tuple(step for step in analysis.repeats if step.route == route)
    offered = tuple(priced(repeats, memory_mb=analysis.experiment.memory_mb))
    arrivals = tuple(step for step in analysis.arrivals if step.route == route)
    expected = (predict(step, steps, cores=analysis.cores) for step in arrivals)
    spreads = step_spreads(repeats, offered, seed=seed)
    return RouteFindings(
        route=route,
        recommended=recommended,
        steps=steps,
        repeats=repeats,
        arrivals=arrivals,
        predictions=tuple(each for each in expected if each is not None),
        candidates=offered,
        spreads=spreads,
        front=pareto(offered),
        standings=standings(recommended, offered, spreads, seed=seed) if recommended else (),
        curves=curves(repeats, generator=np.random.default_rng(seed)),
        splits=splits(steps, setting=recommended.setting) if recommended else (),
    )
