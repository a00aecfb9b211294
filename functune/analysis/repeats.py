"""
What repeats of a step say together: how certain a figure is, whether two settings differ, whether the machine drifted.

Requests of one run are not independent, so the uncertainty of a figure is what it varies by from repeat to repeat. Each
repeat gives one value here: a throughput, a p95, a cost. Values are compared as logarithms, since both the noise of a
machine and the question "how many times faster" are relative.
"""

import math
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from scipy import stats

from functune.analysis.diagnosis import SAME
from functune.analysis.formatting import number, percent, plural
from functune.analysis.statistics import CONFIDENCE, TAIL, Interval
from functune.measurements import Measurement

ENOUGH = 5
"""Repeats from which an interval is given. From fewer, resampling cannot tell the tails of the distribution."""
RESAMPLES = 2000


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """What repeats of one figure span, in its unit: a 95 % interval from five of them, else just their range."""

    low: float
    high: float
    repeats: int

    @property
    def is_interval(self) -> bool:
        """Whether it states a confidence; a range of few repeats does not."""
        return self.repeats >= ENOUGH

    def __str__(self) -> str:
        kind = "95 % interval" if self.is_interval else "range"
        return f"{number(self.low)} to {number(self.high)} ({kind} of {plural(self.repeats, 'repeat')})"


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """How throughput of the same setting changed from the first control step of a run to the last."""

    change: float
    """Relative: -0.1 is 10 % less at the end."""
    interval: Interval
    """95 %, of the change."""
    steps: int

    @property
    def matters(self) -> bool:
        """Whether there is a trend, and one that could turn a comparison: beyond 5 %."""
        return not self.interval.low <= 0 <= self.interval.high and abs(self.change) > SAME

    @property
    def in_words(self) -> str:
        """One sentence."""
        span = (
            f"95 %: {percent(self.interval.low)} to {percent(self.interval.high)}, {plural(self.steps, 'control step')}"
        )
        if self.interval.low <= 0 <= self.interval.high:
            return f"No drift was seen: from start to end the control changed by {percent(self.change)} ({span})."
        direction = "more" if self.change > 0 else "less"
        consequence = (
            "settings measured far apart cannot be compared"
            if self.matters
            else "less than what settings may differ by"
        )
        return (
            f"The machine drifted: the control served {percent(abs(self.change))} {direction} at the end than at the "
            f"start ({span}), {consequence}."
        )


def spread(values: Sequence[float], *, generator: np.random.Generator) -> Spread | None:
    """
    What the mean over all possible repeats lies between, from one value per repeat; None of fewer than two repeats.

    From five repeats it is the 95 % interval of the studentised bootstrap on logarithms: each resample gives its
    distance from the sample's mean in units of its own standard error, so that five repeats knowing their standard
    error badly is part of the interval. The plain percentile bootstrap covers 84 % instead of 95 % at five repeats
    (Davison and Hinkley, Bootstrap Methods and their Application, 1997, chapter 5).

    Two to four give their range, which is no interval: even its coverage of the median is 50 to 88 %.
    Raises ValueError for values that are not positive.
    """
    if len(values) < 2:
        return None
    if min(values) <= 0:
        raise ValueError(f"a repeat gave {min(values):g}: allowed are values above 0")
    if len(values) < ENOUGH:
        return Spread(low=min(values), high=max(values), repeats=len(values))
    logs = np.log(np.asarray(values, dtype=float))
    size = len(logs)
    drawn = logs[generator.integers(0, size, (RESAMPLES, size))]
    errors = standard_errors(drawn)
    varied = errors > 0  # one value drawn five times, 1 resample in 625, has no error to measure by
    distances = (drawn.mean(axis=1)[varied] - logs.mean()) / errors[varied]
    # As far as resamples lie above the sample, the sample lies above the truth: the upper quantile gives the low end.
    far, near = np.quantile(distances, [1 - TAIL, TAIL]) if varied.any() else (0.0, 0.0)
    error = float(standard_errors(logs[None, :])[0])
    return Spread(
        low=math.exp(logs.mean() - far * error), high=math.exp(logs.mean() - near * error), repeats=len(values)
    )


def seeded_spread(values: Sequence[float], *, seed: int) -> Spread | None:
    """
    The spread with a generator of its own: the same values and seed give the same ends wherever they are printed.

    Raises ValueError as ``spread`` does.
    """
    return spread(values, generator=np.random.default_rng(seed))


def standard_errors(rows: np.ndarray) -> np.ndarray:
    """The standard error of the mean of each row; 0, not a rounding error, where all its values are equal."""
    errors: np.ndarray = rows.std(axis=1, ddof=1) / math.sqrt(rows.shape[1])
    return np.where(np.ptp(rows, axis=1) == 0, 0.0, errors)


def ratio(values: Mapping[int, float], over: Mapping[int, float], *, generator: np.random.Generator) -> Spread | None:
    """
    How many times the one is of the other, from values by repeat; None of fewer than two repeats in common.

    Both were measured in the same rounds, so their values are paired: what slowed a whole round cancels out.
    """
    return spread(
        [values[repeat] / over[repeat] for repeat in sorted(values.keys() & over.keys())], generator=generator
    )


def drift(controls: Sequence[Measurement]) -> Drift | None:
    """
    The trend of throughput over the time of a run, from steps that were repeated to see it; None of fewer than five.

    Least squares of log X over time, with Student's interval of the slope. Steps of different routes, settings or users
    may be mixed: each kind has its own level and all share the slope.
    """
    steps = [step for step in controls if step.throughput > 0]
    kinds = list(dict.fromkeys((step.route, step.setting, step.users) for step in steps))
    times = np.array([step.started_at for step in steps])
    freedom = len(steps) - len(kinds) - 1
    if len(steps) < ENOUGH or freedom < 1 or np.ptp(times) == 0:
        return None
    kind = np.array([kinds.index((step.route, step.setting, step.users)) for step in steps])
    elapsed = centred((times - times.min()) / np.ptp(times), kind)
    logs = centred(np.log([step.throughput for step in steps]), kind)
    variation = float(elapsed @ elapsed)
    if variation == 0:  # each kind was measured at one time only
        return None
    slope = float(elapsed @ logs) / variation
    rest = logs - slope * elapsed
    error = math.sqrt(float(rest @ rest) / freedom / variation)
    reach = float(stats.t.ppf((1 + CONFIDENCE) / 2, freedom)) * error
    return Drift(
        change=math.expm1(slope),
        interval=Interval(math.expm1(slope - reach), math.expm1(slope + reach)),
        steps=len(steps),
    )


def centred(values: np.ndarray, kind: np.ndarray) -> np.ndarray:
    """Each value less the mean of its kind."""
    means = np.bincount(kind, weights=values) / np.bincount(kind)
    found: np.ndarray = values - means[kind]
    return found


def mser(series: Sequence[float]) -> int:
    """
    How many leading batches to cut as warm-up: those without which the mean of the rest has the least standard error.

    The marginal standard error rule: d minimises sum((x_i - mean)^2, i > d) / (n - d)^2 over the first half (White,
    Simulation 69:6, 1997). Give means of equally long batches, about five to fifty requests each: of single values the
    rule follows chance. Where the answer is half of the series no steady state was seen: measure longer.
    """
    rest = np.asarray(series, dtype=float)[::-1]  # reversed, so that a cumulative sum is one over what remains
    size = len(rest)
    if size < 2:
        return 0
    counts = np.arange(1, size + 1)
    rest = rest - rest.mean()  # squares of small numbers: the difference below keeps its digits
    squares = np.maximum(np.cumsum(rest**2) - np.cumsum(rest) ** 2 / counts, 0.0)
    errors = (squares / counts**2)[::-1]
    return int(np.argmin(errors[: size // 2 + 1]))
