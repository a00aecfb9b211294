"""What an experiment expects against what its run measured."""

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from functune.analysis import interference
from functune.analysis.formatting import number
from functune.analysis.pooling import by_step, pooled
from functune.analysis.statistics import percentile
from functune.experiments import Expectation, Experiment, Metric, Where
from functune.measurements import Measurement

UNITS: dict[Metric, str] = {
    "throughput": "requests/s",
    "p50_ms": "ms",
    "p95_ms": "ms",
    "p99_ms": "ms",
    "memory_mb": "MB",
    "error_ratio": "of the requests failed",
}

QUANTILES = {"p50_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99}

type Result = Literal["holds", "fails", "not judged"]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """One expectation, checked."""

    claim: str
    observed: float | None
    """In the metric's unit, or a plain ratio; None when a step is missing or has too few requests for the metric."""
    unit: str
    allowed: str
    """The limits in words, e.g. ``152 to 163``."""
    result: Result
    """Fails as well when there was nothing to observe: an expectation nobody checked does not hold."""
    reason: str = ""
    """Why it was not judged."""

    @property
    def observed_text(self) -> str:
        """The observation with its unit; four digits, so that one just outside its limit shows it."""
        if self.observed is None:
            return "not measured"
        return f"{number(self.observed, digits=4)} {self.unit}"


def check(
    experiment: Experiment, measurements: Iterable[Measurement], *, cores: float | None = None
) -> tuple[Outcome, ...]:
    """
    The outcome of every expectation, in file order. The repeats of a step count as one.

    ``cores`` is the measuring machine's, None when unknown: then none that needs free cores is judged.
    """
    measured = list(measurements)
    shares = experiment.load.arrivals
    return tuple(outcome(expectation, measured, shares=shares, cores=cores) for expectation in experiment.expect)


def outcome(
    expectation: Expectation, measurements: list[Measurement], *, shares: Sequence[float], cores: float | None
) -> Outcome:
    """The outcome of one expectation; ``shares`` are those of the capacity that arrivals were measured at."""
    step = select(expectation.where, measurements, shares)
    observed = observe(expectation.metric, step)
    looked_at = [step]
    if expectation.over is not None:
        over = select(expectation.over, measurements, shares)
        looked_at.append(over)
        base = observe(expectation.metric, over)
        observed = observed / base if observed is not None and base else None
    low, high = expectation.at_least, expectation.at_most
    holds = observed is not None and (low is None or observed >= low) and (high is None or observed <= high)
    reason = None
    steps = [each for each in looked_at if each is not None]
    if expectation.free_cores is not None and len(steps) == len(looked_at):  # what was not measured fails, busy or not
        reason = interference.not_free(steps, needed=expectation.free_cores, machine=cores)
    return Outcome(
        claim=expectation.claim,
        observed=observed,
        unit="times" if expectation.over is not None else UNITS[expectation.metric],
        allowed=limits(low, high),
        result="not judged" if reason else "holds" if holds else "fails",
        reason=reason or "",
    )


def select(where: Where, measurements: list[Measurement], shares: Sequence[float] = ()) -> Measurement | None:
    """
    The step that ``where`` selects, its repeats in one; None when it was not measured.

    Arrivals belong to that of the ``shares`` which is nearest: the capacity is measured, and not the same every time.
    """
    matching = [step for step in measurements if where.selects(step)]
    chosen = [step for step in matching if step.arrival_rate is None]
    if where.arrivals is not None and chosen:
        capacity = max(pooled(repeats).throughput for repeats in by_step(chosen).values())
        chosen = [
            step
            for step in matching
            if (rate := step.arrival_rate) is not None
            and min(shares, key=lambda share: abs(share * capacity - rate)) == where.arrivals
        ]
    return pooled(chosen) if chosen else None


def observe(metric: Metric, step: Measurement | None) -> float | None:
    """The metric of a step; None when it was not measured, or holds too few requests."""
    if step is None:
        return None
    match metric:
        case "throughput":
            return step.throughput
        case "error_ratio":
            return step.error_ratio
        case "memory_mb":
            return sum(step.worker_rss_mb.values()) or None
        case "p50_ms" | "p95_ms" | "p99_ms":
            latency = percentile(step.latencies_us, QUANTILES[metric])
            return None if latency is None else latency / 1e3


def result_in_words(outcome: Outcome) -> str:
    """``holds``, ``fails``, or ``not judged`` with the reason."""
    return f"{outcome.result}: {outcome.reason}" if outcome.reason else outcome.result


def limits(low: float | None, high: float | None) -> str:
    """The allowed range in words. At least one limit is set: the experiment file requires it."""
    if low is None:
        return f"at most {high:g}"
    return f"at least {low:g}" if high is None else f"{low:g} to {high:g}"
