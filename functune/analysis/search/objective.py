"""
The objective: the conditions that a setting must meet to be recommended, such as ``p95 < 300ms``.

An objective is conditions joined with "and". Each is a metric, a comparison, a value and its unit:
p50, p95 or p99 in ms or s, errors in %, throughput in requests/s.
"""

import re
from typing import Literal

import msgspec

from functune.analysis.numbers.figures import Figures
from functune.analysis.numbers.statistics import minimum_sample
from functune.errors import UsageError
from functune.formatting import duration, number, percent, rate

type ObjectiveMetric = Literal["p50", "p95", "p99", "errors", "throughput"]
type Operator = Literal["<", "<=", ">", ">="]

QUANTILES: dict[str, float] = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
UNITS: dict[str, dict[str, float]] = {
    "latency": {"ms": 0.001, "s": 1.0},
    "errors": {"%": 0.01},
    "throughput": {"": 1.0, "/s": 1.0, "requests/s": 1.0},
}
"""Units of each kind of value, and their size in seconds, as a share of 1, in requests per second."""
CONDITION = re.compile(
    r"(?P<metric>[a-z0-9]+)\s*(?P<comparison><=|>=|<|>)\s*(?P<value>\d+(\.\d+)?)\s*(?P<unit>[a-z/%]*)"
)
OBJECTIVE_FORMS = (
    'allowed are p50, p95 or p99 with < or <= and a time ("p95 < 300ms", "p99 <= 0.5s"), errors with < or <= and a '
    'share ("errors < 1%"), throughput with > or >= ("throughput >= 100/s"), several joined with "and"'
)


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """One metric and its limit."""

    metric: ObjectiveMetric
    comparison: Operator
    limit: float
    """Seconds, share of 1, or requests per second."""

    def met(self, figures: Figures) -> bool | None:
        """Whether the figures keep the limit; None where they lack the metric."""
        value = observed(self.metric, figures)
        if value is None:
            return None
        match self.comparison:
            case "<":
                return value < self.limit
            case "<=":
                return value <= self.limit
            case ">":
                return value > self.limit
            case ">=":
                return value >= self.limit

    def miss(self, figures: Figures) -> float:
        """The factor by which the limit is missed, 1 and below where it is kept; infinite for an unknown metric."""
        value = observed(self.metric, figures)
        if value is None:
            return float("inf")
        over, under = (value, self.limit) if self.comparison in ("<", "<=") else (self.limit, value)
        return over / under if under else float("inf") if over else 1.0

    def seen(self, figures: Figures) -> str:
        """The observed metric in words."""
        value = observed(self.metric, figures)
        if value is None:
            return f"too few requests for {self.metric} (it needs {minimum_sample(QUANTILES[self.metric])})"
        return f"{self.metric} {written(self.metric, value)}"

    def __str__(self) -> str:
        return f"{self.metric} {self.comparison} {stated(self.metric, self.limit)}"


class Objective(msgspec.Struct, frozen=True, kw_only=True):
    """Conditions that all have to be met."""

    conditions: tuple[Condition, ...]

    def met(self, figures: Figures) -> bool | None:
        """Whether all conditions are met; None where none fails and one is unknown."""
        results = [condition.met(figures) for condition in self.conditions]
        if False in results:
            return False
        return None if None in results else True

    def worst(self, figures: Figures) -> Condition:
        """The condition missed by most."""
        return max(self.conditions, key=lambda condition: condition.miss(figures))

    def __str__(self) -> str:
        return " and ".join(map(str, self.conditions))


def without_throughput(objective: Objective | None) -> Objective | None:
    """The conditions that more users break; None without any."""
    if objective is None:
        return None
    limits = tuple(each for each in objective.conditions if each.metric != "throughput")
    return Objective(conditions=limits) if limits else None


def latency_limit(objective: Objective | None) -> float | None:
    """The lowest latency limit of an objective, seconds; None where it has none."""
    if objective is None:
        return None
    return min((each.limit for each in objective.conditions if each.metric in QUANTILES), default=None)


def parse_objective(text: str) -> Objective:
    """
    The objective that a text states.

    Raises UsageError naming the text, the part that is not understood and what is allowed.
    """
    parts = re.split(r"\band\b", text.strip().lower())
    return Objective(conditions=tuple(condition(part.strip(), text) for part in parts))


def condition(part: str, text: str) -> Condition:
    """One condition of an objective; ``text`` is the whole of it, for the error."""
    found = CONDITION.fullmatch(part)
    metric = found["metric"] if found else ""
    kind = "latency" if metric in QUANTILES else "" if metric == "latency" else metric
    wanted = (">", ">=") if kind == "throughput" else ("<", "<=")
    if found is None or kind not in UNITS or found["comparison"] not in wanted or found["unit"] not in UNITS[kind]:
        raise UsageError(f'objective "{text}": "{part}" is not understood: {OBJECTIVE_FORMS}')
    limit = float(found["value"]) * UNITS[kind][found["unit"]]
    if limit == 0 and kind != "errors":
        raise UsageError(f'objective "{text}": "{part}" has a limit of 0: allowed is more than 0')
    return msgspec.convert({"metric": metric, "comparison": found["comparison"], "limit": limit}, Condition)


def observed(metric: ObjectiveMetric, figures: Figures) -> float | None:
    """The metric's value, in the units of Figures."""
    match metric:
        case "errors":
            return figures.error_ratio
        case "throughput":
            return figures.throughput
        case "p50":
            return figures.p50
        case "p95":
            return figures.p95
        case "p99":
            return figures.p99


def stated(metric: ObjectiveMetric, limit: float) -> str:
    """A limit with its unit, as exact as the objective has it: ``300 ms``, ``1.234 s``, ``0.05 %``."""
    if metric == "errors":
        return f"{limit * 100:.9g} %"
    if metric == "throughput":
        return f"{exactly(limit)} requests/s"
    return f"{exactly(limit * 1e3)} ms" if limit < 1 else f"{exactly(limit)} s"


def exactly(value: float) -> str:
    """A number with three digits, or with as many as it has where those are more; nine at most."""
    return number(value, digits=max(3, len(f"{value:.9g}".replace(".", "").lstrip("0"))))


def written(metric: ObjectiveMetric, value: float) -> str:
    """An observed value with its unit."""
    if metric == "errors":
        return percent(value)
    return rate(value) if metric == "throughput" else duration(value)
