"""The expectations of an experiment, checked against its levels."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from functune.analysis.checks.interference import not_free
from functune.analysis.numbers.levels import Level
from functune.experiments.model import Expectation, Experiment, Metric, Where
from functune.formatting import number

METRIC_UNITS: dict[Metric, str] = {
    "throughput": "requests/s",
    "p50_ms": "ms",
    "p95_ms": "ms",
    "p99_ms": "ms",
    "memory_mb": "MB",
    "error_ratio": "of the requests failed",
}

type Result = Literal["holds", "fails", "not judged"]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """One expectation, checked."""

    claim: str
    """The expectation as a sentence."""
    observed: float | None
    """The value in the metric's unit, or a ratio; None when a step is missing or has too few requests for it."""
    unit: str
    """The unit of what was observed."""
    allowed: str
    """The limits, e.g. ``152 to 163``."""
    result: Result
    """It fails as well when there was nothing to observe: an expectation nobody checked does not hold."""
    reason: str = ""
    """Why it was not judged."""

    @property
    def observed_text(self) -> str:
        """The observation with its unit; four digits, so that one just outside its limit shows it."""
        if self.observed is None:
            return "not measured"
        return f"{number(self.observed, digits=4)} {self.unit}"


def check_expectations(
    experiment: Experiment, levels: Sequence[Level], *, cores: float | None = None
) -> tuple[Outcome, ...]:
    """
    The outcome of every expectation, in file order, from the levels that count.

    ``cores`` is the measuring machine's, None when unknown: then none that needs free cores is judged.
    """
    return tuple(outcome(expectation, levels, cores=cores) for expectation in experiment.expect)


def outcome(expectation: Expectation, levels: Sequence[Level], *, cores: float | None) -> Outcome:
    """The outcome of one expectation."""
    level = select(expectation.where, levels)
    observed = observe(expectation.metric, level)
    looked_at = [level]
    if expectation.over is not None:
        over = select(expectation.over, levels)
        looked_at.append(over)
        base = observe(expectation.metric, over)
        observed = observed / base if observed is not None and base else None
    low, high = expectation.at_least, expectation.at_most
    holds = observed is not None and (low is None or observed >= low) and (high is None or observed <= high)
    reason = None
    known = [each for each in looked_at if each is not None]
    if expectation.free_cores is not None and len(known) == len(looked_at):  # a missing step fails, busy or not
        reason = not_free(known, needed=expectation.free_cores, machine=cores)
    return Outcome(
        claim=expectation.claim,
        observed=observed,
        unit="times" if expectation.over is not None else METRIC_UNITS[expectation.metric],
        allowed=limits(low, high),
        result="not judged" if reason else "holds" if holds else "fails",
        reason=reason or "",
    )


def select(where: Where, levels: Sequence[Level]) -> Level | None:
    """The level that ``where`` selects, one of those that count; None when it was not measured."""
    matching = (level for level in levels if level.counts and where.selects(level) and level.share == where.arrivals)
    return next((level for level in matching if where.users in (None, level.users)), None)


def observe(metric: Metric, level: Level | None) -> float | None:
    """The metric of a level; None when it was not measured, or holds too few requests."""
    if level is None:
        return None
    figures = level.figures
    match metric:
        case "throughput":
            return figures.throughput
        case "error_ratio":
            return figures.error_ratio
        case "memory_mb":
            return figures.host_memory_mb
    latency = {"p50_ms": figures.p50, "p95_ms": figures.p95, "p99_ms": figures.p99}[metric]
    return None if latency is None else latency * 1e3


def result_in_words(outcome: Outcome) -> str:
    """``holds``, ``fails``, or ``not judged`` with the reason."""
    return f"{outcome.result}: {outcome.reason}" if outcome.reason else outcome.result


def limits(low: float | None, high: float | None) -> str:
    """The allowed range in words. At least one limit is set: the experiment file requires it."""
    if low is None:
        return f"at most {high:g}"
    return f"at least {low:g}" if high is None else f"{low:g} to {high:g}"
