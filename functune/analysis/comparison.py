"""
Two runs of the same experiments: what got better or worse, and what cannot be said.

Steps are matched by experiment, route, setting and load. A figure changed when what its repeats span excludes no
change, and it matters when it changed by the margin or more: both together make it better or worse. The repeats of two
runs are not paired, so the interval is Welch's, of logarithms, and it is widened for the number of figures looked at:
of a hundred figures at 95 % each, some would seem to change in two runs of the very same thing.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

import msgspec
import numpy as np
from scipy import stats

from functune.analysis.expectations import Outcome
from functune.analysis.formatting import duration, load, percent, plural, rate
from functune.analysis.formatting import setting as in_words
from functune.analysis.pooling import by_step, pooled
from functune.analysis.repeats import ENOUGH, Spread
from functune.analysis.statistics import CONFIDENCE, percentile, percentile_interval
from functune.analysis.strategies import ACCEPTED_ERRORS
from functune.analysis.verdict import Analysis
from functune.measurements import Measurement, Setting

MARGIN = 0.05
"""Relative change from which a difference matters in practice, unless told otherwise."""

type Metric = Literal["throughput", "p95"]
type Verdict = Literal["better", "worse", "same", "unclear"]

HIGHER_IS_BETTER: dict[Metric, bool] = {"throughput": True, "p95": False}


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One figure of one step in both runs."""

    experiment: str
    route: str
    setting: Setting
    load: str
    """``64 users`` or ``150 arrivals/s``."""
    metric: Metric
    before: float
    """Requests per second, or seconds."""
    after: float
    spread: Spread | None
    """What the ratio of after over before spans; None for a throughput that one of the runs measured once."""
    verdict: Verdict

    @property
    def ratio(self) -> float:
        """After over before."""
        return self.after / self.before

    @property
    def in_words(self) -> str:
        """One line: what, from where to where, and how sure."""
        write = rate if self.metric == "throughput" else duration
        name = "" if self.metric == "throughput" else "p95 "
        return (
            f"{self.experiment}: {self.route}, {in_words(self.setting)}, {self.load}: "
            f"{name}{write(self.before)} -> {write(self.after)} ({signed(self.ratio - 1)}{certainty(self.spread)})"
        )


class Broken(msgspec.Struct, frozen=True, kw_only=True):
    """Something that held, or worked, before and does not now."""

    experiment: str
    what: str


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Everything two runs have in common."""

    changes: tuple[Change, ...]
    broken: tuple[Broken, ...]
    """Expectations that held and fail, and steps that worked and fail their requests."""
    matched: int
    """Steps measured by both."""
    only_before: int
    only_after: int
    margin: float

    def of(self, verdict: Verdict) -> list[Change]:
        """The changes with a verdict, the greatest first."""
        found = [change for change in self.changes if change.verdict == verdict]
        return sorted(found, key=lambda change: -abs(math.log(change.ratio)))

    @property
    def once(self) -> bool:
        """Whether some figure rests on a single measurement."""
        return any(change.spread is None or change.spread.repeats == 1 for change in self.changes)

    @property
    def got_worse(self) -> bool:
        """Whether something got worse."""
        return bool(self.broken) or any(change.verdict == "worse" for change in self.changes)


def compare(before: Sequence[Analysis], after: Sequence[Analysis], *, margin: float = MARGIN) -> Comparison:
    """What changed from one run to the other. Raises ValueError for a margin that is not between 0 and 1."""
    if not 0 <= margin < 1:
        raise ValueError(f"margin is {margin:g}: allowed is 0 up to 1, where 0.05 is 5 %")
    then, now = steps(before), steps(after)
    common = [key for key in then if key in now]
    figures = [figure for key in common for figure in figures_of(key, then[key], now[key])]
    outcomes = [broken_outcomes(one, other) for one in before for other in after if same(one, other)]
    return Comparison(
        changes=tuple(judged(figure, margin, among=len(figures)) for figure in figures),
        broken=(
            *(each for several in outcomes for each in several),
            *(each for key in common for each in broken_step(key, then[key], now[key])),
        ),
        matched=len(common),
        only_before=len(then.keys() - now.keys()),
        only_after=len(now.keys() - then.keys()),
        margin=margin,
    )


type Key = tuple[str, tuple[object, ...]]


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """A figure of both runs that waits to be judged."""

    change: Change
    before: tuple[float, ...]
    """One value per repeat."""
    after: tuple[float, ...]
    within: Spread | None
    """What the ratio spans by the requests of each run alone: for latencies that were measured once."""


def same(one: Analysis, other: Analysis) -> bool:
    """Whether two analyses are of the same experiment, by its name."""
    return one.experiment.name == other.experiment.name


def steps(analyses: Iterable[Analysis]) -> dict[Key, list[Measurement]]:
    """The repeats of every step that counts, closed and open loop."""
    return {
        (analysis.experiment.name, key): repeats
        for analysis in analyses
        for key, repeats in by_step([*analysis.repeats, *analysis.arrivals]).items()
    }


METRICS: Mapping[Metric, Callable[[Measurement], float | None]] = {
    "throughput": lambda step: step.throughput or None,
    "p95": lambda step: p95(step),
}


def p95(step: Measurement) -> float | None:
    """Seconds; None below 72 requests."""
    value = percentile(step.latencies_us, 0.95)
    return None if value is None else value / 1e6


def figures_of(key: Key, before: Sequence[Measurement], after: Sequence[Measurement]) -> list[Figure]:
    """The figures of a step that both runs know. In an open loop the rate is given, so only latency is a figure."""
    found = []
    step = before[0]
    for metric, value in METRICS.items():
        if metric == "throughput" and step.arrival_rate is not None:
            continue
        was, now = value(pooled(before)), value(pooled(after))
        if was is None or now is None:
            continue
        change = Change(
            experiment=key[0],
            route=step.route,
            setting=step.setting,
            load=load(step),
            metric=metric,
            before=was,
            after=now,
            spread=None,
            verdict="unclear",
        )
        each = [tuple(known for one in run if (known := value(one)) is not None) for run in (before, after)]
        within = within_runs(pooled(before), pooled(after)) if metric == "p95" else None
        found.append(Figure(change=change, before=each[0], after=each[1], within=within))
    return found


def within_runs(before: Measurement, after: Measurement) -> Spread | None:
    """
    What the ratio of two p95s spans by their order statistics; None where a step has too few requests.

    It knows nothing of how runs differ from one another, so it is the least that the ratio may be off by.
    """
    was, now = (percentile_interval(step.latencies_us, 0.95) for step in (before, after))
    if was is None or now is None:
        return None
    return Spread(low=now.low / was.high, high=now.high / was.low, repeats=1)


def judged(figure: Figure, margin: float, *, among: int) -> Change:
    """The change with what its ratio spans and the verdict; ``among`` is how many figures are looked at together."""
    spread = ratio_spread(figure.before, figure.after, among=among) or figure.within
    return msgspec.structs.replace(figure.change, spread=spread, verdict=verdict(figure.change, spread, margin))


def verdict(change: Change, spread: Spread | None, margin: float) -> Verdict:
    """
    Better or worse where the whole span lies beyond no change and the figure itself changed by the margin.

    The same where the whole span lies within the margin. A throughput that was measured once has no span: its ratio
    alone decides, as it does when settings of one run are compared.
    """
    ratio = change.ratio if HIGHER_IS_BETTER[change.metric] else 1 / change.ratio
    ends = (spread.low, spread.high) if spread else (change.ratio, change.ratio)
    low, high = ends if HIGHER_IS_BETTER[change.metric] else (1 / ends[1], 1 / ends[0])
    if low > 1 and ratio >= 1 + margin:
        return "better"
    if high < 1 and ratio <= 1 / (1 + margin):
        return "worse"
    return "same" if 1 / (1 + margin) < low and high < 1 + margin else "unclear"


def ratio_spread(before: Sequence[float], after: Sequence[float], *, among: int) -> Spread | None:
    """
    What the ratio of two means spans, from repeats that are not paired; None where one side was measured once.

    From five repeats on each side Welch's interval of the difference of mean logarithms (Welch, Biometrika 34, 1947),
    at 1 - 0.05 / ``among`` (Bonferroni). From two to four it is the range of all ratios, which is no interval.
    """
    repeats = min(len(before), len(after))
    if repeats < 2:
        return None
    if repeats < ENOUGH:
        return Spread(low=min(after) / max(before), high=max(after) / min(before), repeats=repeats)
    logs = [np.log(np.asarray(values)) for values in (before, after)]
    errors = [float(values.var(ddof=1)) / len(values) for values in logs]
    difference, error = float(logs[1].mean() - logs[0].mean()), math.sqrt(sum(errors))
    if error == 0:
        return Spread(low=math.exp(difference), high=math.exp(difference), repeats=repeats)
    freedom = sum(errors) ** 2 / sum(
        variance**2 / (len(values) - 1) for variance, values in zip(errors, logs, strict=True)
    )
    reach = float(stats.t.ppf(1 - (1 - CONFIDENCE) / among / 2, freedom)) * error
    return Spread(low=math.exp(difference - reach), high=math.exp(difference + reach), repeats=repeats)


def broken_outcomes(before: Analysis, after: Analysis) -> list[Broken]:
    """The expectations that held before and fail now."""
    held = {outcome.claim for outcome in before.outcomes if outcome.result == "holds"}
    return [
        Broken(experiment=after.experiment.name, what=expectation_in_words(outcome))
        for outcome in after.outcomes
        if outcome.result == "fails" and outcome.claim in held
    ]


def expectation_in_words(outcome: Outcome) -> str:
    """An expectation that fails now."""
    return f"expected: {outcome.claim}; observed {outcome.observed_text}, allowed {outcome.allowed}"


def broken_step(key: Key, before: Sequence[Measurement], after: Sequence[Measurement]) -> list[Broken]:
    """A step that failed up to 1 % of its requests before and more now."""
    was, now = pooled(before), pooled(after)
    if was.error_ratio > ACCEPTED_ERRORS or now.error_ratio <= ACCEPTED_ERRORS:
        return []
    what = (
        f"{now.route}, {in_words(now.setting)}, {plural(now.users, 'user')}: {percent(now.error_ratio)} of the "
        f"requests fail, {percent(was.error_ratio)} before"
    )
    return [Broken(experiment=key[0], what=what)]


def certainty(spread: Spread | None) -> str:
    """How sure a change is, to be put behind it."""
    if spread is None or spread.repeats == 1:
        return ", measured once"
    kind = "interval" if spread.is_interval else "range"
    return f", {kind} {signed(spread.low - 1)} to {signed(spread.high - 1)}"


def signed(share: float) -> str:
    """A share as percent with its sign."""
    return f"{'+' if share >= 0 else '-'}{percent(abs(share))}"
