"""What an experiment expects against what its run measured."""

from collections.abc import Iterable

import msgspec

from functune.analysis.formatting import number
from functune.analysis.statistics import percentile
from functune.experiments import Expectation, Experiment, Metric, Where
from functune.measurements import Measurement

UNITS: dict[Metric, str] = {
    "throughput": "requests/s",
    "p50_ms": "ms",
    "p95_ms": "ms",
    "error_ratio": "of the requests failed",
}


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """One expectation, checked."""

    claim: str
    observed: float | None
    """In the metric's unit, or a plain ratio; None when a step is missing or has too few requests for the metric."""
    unit: str
    allowed: str
    """The limits in words, e.g. ``152 to 163``."""
    passed: bool
    """False as well when there was nothing to observe: an expectation nobody checked does not hold."""

    @property
    def observed_text(self) -> str:
        """The observation with its unit; four digits, so that one just outside its limit shows it."""
        if self.observed is None:
            return "not measured"
        return f"{number(self.observed, digits=4)} {self.unit}"


def check(experiment: Experiment, measurements: Iterable[Measurement]) -> tuple[Outcome, ...]:
    """The outcome of every expectation, in file order. Where a step was measured again, its last measurement counts."""
    measured = list(measurements)
    return tuple(outcome(expectation, measured) for expectation in experiment.expect)


def outcome(expectation: Expectation, measurements: list[Measurement]) -> Outcome:
    """The outcome of one expectation."""
    observed = observe(expectation.metric, expectation.where, measurements)
    if expectation.over is not None:
        base = observe(expectation.metric, expectation.over, measurements)
        observed = observed / base if observed is not None and base else None
    low, high = expectation.at_least, expectation.at_most
    return Outcome(
        claim=expectation.claim,
        observed=observed,
        unit="times" if expectation.over is not None else UNITS[expectation.metric],
        allowed=limits(low, high),
        passed=observed is not None and (low is None or observed >= low) and (high is None or observed <= high),
    )


def observe(metric: Metric, where: Where, measurements: list[Measurement]) -> float | None:
    """The metric of the step that ``where`` selects; None when it was not measured, or holds too few requests."""
    chosen = [step for step in measurements if where.selects(step.setting, step.route, step.users)]
    if not chosen:
        return None
    step = chosen[-1]
    match metric:
        case "throughput":
            return step.throughput
        case "error_ratio":
            return step.error_ratio
        case "p50_ms" | "p95_ms":
            latency = percentile(step.latencies_us, 0.5 if metric == "p50_ms" else 0.95)
            return None if latency is None else latency / 1e3


def limits(low: float | None, high: float | None) -> str:
    """The allowed range in words. At least one limit is set: the experiment file requires it."""
    if low is None:
        return f"at most {high:g}"
    return f"at least {low:g}" if high is None else f"{low:g} to {high:g}"
