"""
Statistics of raw latencies, and the sample sizes below which they are refused.

A percentile here is an order statistic: the smallest observed value that at least the share q of the sample does not
exceed (Hyndman and Fan type 1, numpy's ``inverted_cdf``). No value is interpolated, so every printed one was measured.
"""

import math
from collections.abc import Sequence

import msgspec
import numpy as np

CONFIDENCE = 0.95
TAIL = (1 - CONFIDENCE) / 2
FAR = 9
"""Standard deviations from the mean of a binomial count beyond which its probabilities do not matter."""


class Interval(msgspec.Struct, frozen=True):
    """A two-sided 95 % confidence interval, in the unit of the sample."""

    low: float
    high: float


def minimum_sample(q: float) -> int:
    """
    The least sample whose q-percentile has a two-sided 95 % interval: 6 for 0.5, 72 for 0.95, 368 for 0.99.

    Below it even the largest value observed may lie under the percentile with more than 2.5 % probability.
    """
    return math.ceil(math.log(TAIL) / math.log(max(q, 1 - q)))


type Sample = Sequence[int] | Sequence[float] | np.ndarray
"""Values of one kind, in any order."""


def students_t(freedom: float, *, among: int = 1) -> float:
    """
    How many standard errors a 95 % interval reaches to each side, by Student's t with these degrees of freedom.

    For one of several comparisons the interval is at 1 - 0.05 / ``among`` (Bonferroni).
    """
    from scipy.special import stdtrit  # slow to load, and few runs have repeats

    return float(stdtrit(freedom, 1 - (1 - CONFIDENCE) / among / 2))


def percentile(sample: Sample, q: float) -> float | None:
    """The q-percentile (0 < q < 1), or None below ``minimum_sample(q)``: a number from fewer would be chance."""
    return percentile_of_sorted(np.sort(np.asarray(sample)), q)


def percentile_of_sorted(ordered: np.ndarray, q: float) -> float | None:
    """The same of a sample in ascending order."""
    if len(ordered) < minimum_sample(q):
        return None
    return float(ordered[math.ceil(len(ordered) * q - 1)])


def percentile_interval(sample: Sample, q: float) -> Interval | None:
    """
    The 95 % interval of the q-percentile by order statistics, or None below ``minimum_sample(q)``.

    The number of values under the true percentile is binomial (n, q) for any distribution. With 95 % probability it
    lies between two counts, and the interval runs between the order statistics of these. It takes the sample as
    independent, which requests of one closed loop are not quite: read it as a lower limit of the uncertainty.
    """
    return interval_of_sorted(np.sort(np.asarray(sample)), q)


def interval_of_sorted(ordered: np.ndarray, q: float) -> Interval | None:
    """The same of a sample in ascending order."""
    if len(ordered) < minimum_sample(q):
        return None
    low, high = usual_counts(len(ordered), q)
    return Interval(float(ordered[low - 1]), float(ordered[high - 1]))


def usual_counts(size: int, q: float) -> tuple[int, int]:
    """
    The highest count with P(fewer) <= 2.5 %, and the lowest with P(as many or more) <= 2.5 %, for a binomial (size, q).

    Each probability is computed from the one before. Counts beyond ``FAR`` are skipped: their total is less than a
    rounding error. scipy gives the same counts, but takes longer to load than all figures of a step to compute.
    """
    reach = math.ceil(FAR * math.sqrt(size * q * (1 - q))) + FAR
    first, last = max(math.floor(size * q) - reach, 0), min(math.ceil(size * q) + reach, size - 1)
    ways = math.lgamma(size + 1) - math.lgamma(first + 1) - math.lgamma(size - first + 1)
    start = math.exp(ways + first * math.log(q) + (size - first) * math.log1p(-q))
    counts = np.arange(first, last)
    factors = (size - counts) / (counts + 1) * (q / (1 - q))
    below = np.cumsum(start * np.cumprod(np.concatenate([[1.0], factors])))  # P(count <= k) from the first k on
    low = first + int(np.searchsorted(below, TAIL, side="right"))
    high = first + int(np.searchsorted(below, 1 - TAIL, side="left")) + 1
    return low, high
