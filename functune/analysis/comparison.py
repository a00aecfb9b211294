"""
Two runs of the same experiments: the figures that got better, got worse, and remain unclear.

Steps are matched by experiment, subject, setting and load. A figure changed when the span of its ratio excludes 1, and
the change matters when it is the margin or more: both together make it better or worse. The repeats of two runs are not
paired, so the interval is Welch's, of logarithms. It is widened for the number of figures compared: among a hundred
figures at 95 % each, some would seem to change between two runs of the same app.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from functune.analysis.checks.expectations import Outcome
from functune.analysis.experiment import ExperimentFindings
from functune.analysis.numbers.figures import Figures
from functune.analysis.numbers.levels import Level, LevelKey, key_of
from functune.analysis.numbers.repeats import Spread
from functune.analysis.ratio_of_runs import ratio_spread, within_runs
from functune.experiments.subject import Subject
from functune.formatting import duration, number, percent, rate
from functune.setting import Setting

MARGIN = 0.05
"""Relative change from which a difference matters in practice, by default."""
DOUBLED = 2.0
"""A ratio from which a change reads better as a factor than in percent."""

type ComparedMetric = Literal["throughput", "p95"]
type ChangeVerdict = Literal["better", "worse", "same", "unclear"]

HIGHER_IS_BETTER: dict[ComparedMetric, bool] = {"throughput": True, "p95": False}


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One figure of one step in both runs."""

    experiment: str
    subject: Subject
    setting: Setting
    load: str
    """``64 users``, or ``arrivals at 70 % of the capacity``."""
    metric: ComparedMetric
    before: float
    """Requests per second, or seconds."""
    after: float
    spread: Spread | None
    """The span of the ratio of after over before; None for a throughput that one of the runs measured once."""
    verdict: ChangeVerdict

    @property
    def ratio(self) -> float:
        """After over before."""
        return self.after / self.before

    @property
    def row(self) -> dict[str, object]:
        """The figure as columns of plain values, with its setting and the ends of its span."""
        setting = self.setting
        return {
            "experiment": self.experiment,
            "route": str(self.subject),
            "process_count": setting.process_count,
            "thread_count": setting.thread_count,
            "setting": setting.in_words,
            "load": self.load,
            "metric": self.metric,
            "before": self.before,
            "after": self.after,
            "ratio": self.ratio,
            "ratio_low": self.spread.low if self.spread else None,
            "ratio_high": self.spread.high if self.spread else None,
            "verdict": self.verdict,
        }

    @property
    def in_words(self) -> str:
        """One line: the step, its figure before and after, and how certain the change is."""
        write = rate if self.metric == "throughput" else duration
        name = "" if self.metric == "throughput" else "p95 "
        return (
            f"{self.experiment}: {self.subject}, {self.setting.in_words}, {self.load}: "
            f"{name}{write(self.before)} -> {write(self.after)} "
            f"({change_in_words(self.ratio, self.spread)})"
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

    def of(self, verdict: ChangeVerdict) -> list[Change]:
        """The changes with a verdict, the greatest first."""
        found = [change for change in self.changes if change.verdict == verdict]
        return sorted(found, key=lambda change: -abs(math.log(change.ratio)))

    def rows(self) -> list[dict[str, object]]:
        """A dict for each figure: a throughput in requests per second, or a p95 in seconds, before and after."""
        return [change.row for change in self.changes]

    @property
    def once(self) -> bool:
        """Whether some figure rests on a single measurement."""
        return any(change.spread is None or change.spread.repeats == 1 for change in self.changes)

    @property
    def got_worse(self) -> bool:
        """Whether something got worse."""
        return bool(self.broken) or any(change.verdict == "worse" for change in self.changes)


def compare_findings(
    before: Sequence[ExperimentFindings], after: Sequence[ExperimentFindings], *, margin: float = MARGIN
) -> Comparison:
    """The changes from one run to the other. Raises ValueError for a margin that is not between 0 and 1."""
    if not 0 <= margin < 1:
        raise ValueError(f"margin is {margin:g}: allowed is 0 up to 1, where 0.05 is 5 %")
    then, now = comparable_levels(before), comparable_levels(after)
    common = [key for key in then if key in now]
    figures = [figure for key in common for figure in figures_of_both(key, then[key], now[key])]
    outcomes = [broken_outcomes(one, other) for one in before for other in after if is_same_experiment(one, other)]
    return Comparison(
        changes=tuple(judged_change(figure, margin, among=len(figures)) for figure in figures),
        broken=(
            *(each for several in outcomes for each in several),
            *(each for key in common for each in broken_step(key, then[key], now[key])),
        ),
        matched=len(common),
        only_before=len(then.keys() - now.keys()),
        only_after=len(now.keys() - then.keys()),
        margin=margin,
    )


type Key = tuple[str, LevelKey]
"""The experiment's name, and the step."""


class BothFigures(msgspec.Struct, frozen=True, kw_only=True):
    """A figure of both runs that waits to be judged."""

    change: Change
    before: tuple[float, ...]
    """One value per repeat."""
    after: tuple[float, ...]
    within: Spread | None
    """The span of the ratio by the requests of each run alone, for latencies that were measured once."""


def is_same_experiment(one: ExperimentFindings, other: ExperimentFindings) -> bool:
    """Whether both findings are of one experiment, by its name."""
    return one.name == other.name


def comparable_levels(findings: Iterable[ExperimentFindings]) -> dict[Key, Level]:
    """The levels of every experiment that count, closed and open loop."""
    return {(each.name, key_of(level)): level for each in findings for level in (*each.levels, *each.arrivals)}


METRICS: Mapping[ComparedMetric, Callable[[Figures], float | None]] = {
    "throughput": lambda figures: figures.throughput or None,
    "p95": lambda figures: figures.p95,
}


def figures_of_both(key: Key, before: Level, after: Level) -> list[BothFigures]:
    """The figures of a step that both runs know. In an open loop the rate is given, so only latency is a figure."""
    found = []
    for metric, value in METRICS.items():
        if metric == "throughput" and before.share is not None:
            continue
        was, now = value(before.figures), value(after.figures)
        if was is None or now is None:
            continue
        change = Change(
            experiment=key[0],
            subject=before.subject,
            setting=before.setting,
            load=load_compared(before),
            metric=metric,
            before=was,
            after=now,
            spread=None,
            verdict="unclear",
        )
        each = [tuple(level.by_repeat(value).values()) for level in (before, after)]
        within = within_runs(before.figures, after.figures) if metric == "p95" else None
        found.append(BothFigures(change=change, before=each[0], after=each[1], within=within))
    return found


def load_compared(level: Level) -> str:
    """The load of a step in both runs; arrivals by their share, since two runs differ in capacity."""
    return level.load_in_words if level.share is None else f"arrivals at {level.share * 100:g} % of the capacity"


def judged_change(figure: BothFigures, margin: float, *, among: int) -> Change:
    """The change with the span of its ratio and the verdict; ``among`` is the number of figures compared."""
    spread = ratio_spread(figure.before, figure.after, among=among) or figure.within
    return msgspec.structs.replace(figure.change, spread=spread, verdict=change_verdict(figure.change, spread, margin))


def change_verdict(change: Change, spread: Spread | None, margin: float) -> ChangeVerdict:
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


def broken_outcomes(before: ExperimentFindings, after: ExperimentFindings) -> list[Broken]:
    """The expectations that held before and fail now."""
    held = {outcome.claim for outcome in before.outcomes if outcome.result == "holds"}
    return [
        Broken(experiment=after.name, what=expectation_in_words(outcome))
        for outcome in after.outcomes
        if outcome.result == "fails" and outcome.claim in held
    ]


def expectation_in_words(outcome: Outcome) -> str:
    """An expectation that fails now."""
    return f"expected: {outcome.claim}; observed {outcome.observed_text}, allowed {outcome.allowed}"


def broken_step(key: Key, before: Level, after: Level) -> list[Broken]:
    """A step that failed at most 1 % of its requests before and fails more now."""
    was, now = before.figures, after.figures
    if not was.worked or now.worked:
        return []
    what = (
        f"{after.subject}, {after.setting.in_words}, {load_compared(after)}: {percent(now.error_ratio)} of the "
        f"requests fail, {percent(was.error_ratio)} before"
    )
    return [Broken(experiment=key[0], what=what)]


def change_in_words(ratio: float, spread: Spread | None) -> str:
    """
    A change with its certainty, from DOUBLED on as a factor.

    ``+12.0 %, range +11.0 % to +13.0 %``, or ``10.3 times, range 10.1 to 10.5``.
    """
    write, unit = (number, " times") if ratio >= DOUBLED else (percent_more, "")
    if spread is None or spread.repeats == 1:
        return f"{write(ratio)}{unit}, measured once"
    kind = "interval" if spread.is_interval else "range"
    return f"{write(ratio)}{unit}, {kind} {write(spread.low)} to {write(spread.high)}"


def percent_more(ratio: float) -> str:
    """A ratio as a difference in percent, with its sign."""
    return f"{'+' if ratio >= 1 else '-'}{percent(abs(ratio - 1))}"
