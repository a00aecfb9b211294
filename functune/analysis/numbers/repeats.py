"""
Uncertainty from repeats: the spread of a figure, and of the ratio of two figures.

Requests of one run are not independent, so the uncertainty of a figure is its variation from repeat to repeat. Each
repeat gives one value here: a throughput, a p95, a cost. Values are compared as logarithms, since both the noise of a
machine and the question "how many times faster" are relative.
"""

import math
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from functune.analysis.numbers.statistics import TAIL
from functune.formatting import number, plural

SAME = 0.05
"""Relative difference up to which two throughputs count as equal."""
SAME_IN_WORDS = f"{SAME * 100:g} %"
ENOUGH = 5
"""Repeats from which an interval is given. Resampling fewer does not show the tails of the distribution."""
RESAMPLES = 2000


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """The spread of one figure across repeats, in its unit: a 95 % interval from five repeats on, else their range."""

    low: float
    high: float
    repeats: int

    @property
    def is_interval(self) -> bool:
        """Whether it is a confidence interval rather than the range of a few repeats."""
        return self.repeats >= ENOUGH

    def __str__(self) -> str:
        kind = "95 % interval" if self.is_interval else "range"
        return f"{number(self.low)} to {number(self.high)} ({kind} of {plural(self.repeats, 'repeat')})"


def spread(values: Sequence[float], *, generator: np.random.Generator) -> Spread | None:
    """
    The bounds of the geometric mean over all possible repeats, from one value per repeat; None for fewer than two.

    From five repeats on it is the 95 % interval of the studentised bootstrap on logarithms: each resample gives its
    distance from the sample's mean in units of its own standard error, so the poor estimate of the standard error from
    five repeats widens the interval. The plain percentile bootstrap covers 84 % instead of 95 % at five repeats
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


def standard_errors(rows: np.ndarray) -> np.ndarray:
    """The standard error of the mean of each row; 0, not a rounding error, where all its values are equal."""
    errors: np.ndarray = rows.std(axis=1, ddof=1) / math.sqrt(rows.shape[1])
    return np.where((rows == rows[:, :1]).all(axis=1), 0.0, errors)


def ratio(values: Mapping[int, float], over: Mapping[int, float], *, generator: np.random.Generator) -> Spread | None:
    """
    The spread of the ratio of two figures, from values by repeat; None for fewer than two repeats in common.

    Both were measured in the same rounds, so their values are paired: a disturbance of a whole round cancels out.
    """
    return spread(
        [values[repeat] / over[repeat] for repeat in sorted(values.keys() & over.keys())], generator=generator
    )
