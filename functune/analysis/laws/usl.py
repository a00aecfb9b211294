"""
The Universal Scalability Law: throughput against concurrency in three numbers, and the peak where it has one.

    X(N) = g N / (1 + a (N - 1) + b N (N - 1))

g is the throughput of one user, a the contention (the share that is served one at a time), b the coherency (the cost
of each pair to the other). With b > 0 the curve falls beyond N* = sqrt((1 - a) / b); b = 0 is Amdahl's law, which ends
at g / a (Gunther, Guerrilla Capacity Planning, 2007). N counts requests held in flight, so users without think time.

The law is smooth. A cliff such as a full thread pool is not, and such a curve is refused rather than drawn.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

import msgspec
import numpy as np

from functune.analysis.numbers.repeats import SAME
from functune.analysis.numbers.statistics import TAIL, Interval
from functune.formatting import number, percent, plural

LEVELS = 6
"""Fewer levels leave the peak to chance: with four, one fit in five of a curve that has a peak finds none."""
R_SQUARED = 0.98
"""Share of the variation of log X that a curve must explain to be drawn."""
VISIBLE = SAME
"""Relative residual up to which neither a pattern nor R^2 matters: throughputs within it count as equal."""
WRONG = 0.1
"""Relative residual above which a curve is wrong at that level without any pattern: a full thread pool shows one."""
PATTERN = 1.0
"""Durbin-Watson ratio below which residuals follow one another; 2 where they are independent, 0 for a slow wave."""
CURVE_RESAMPLES = 1000
BAND_POINTS = 24
"""Places at which the interval of a curve is given."""
NO_CURVES = np.empty((0, 3))
"""Resampled curves, a row with g, a and b for each."""

type Throughputs = Mapping[int, Sequence[float]]
"""Requests per second, one value per repeat, by number of users."""


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """The law with its coefficients."""

    performance: float
    """g, requests per second of one user."""
    contention: float
    """a, 0 and more."""
    coherency: float
    """b, 0 and more."""

    def throughput(self, users: float) -> float:
        """X(N), requests per second."""
        return usl_throughput(users, self.performance, self.contention, self.coherency)

    @property
    def peak_users(self) -> float | None:
        """N*, not rounded; None where the curve has no peak above one user."""
        return usl_peak(self.contention, self.coherency)


def usl_throughput[Number: (float, np.ndarray)](
    users: float, performance: Number, contention: Number, coherency: Number
) -> Number:
    """X(N), requests per second, of one curve or of several."""
    penalty = 1 + contention * (users - 1) + coherency * users * (users - 1)
    return performance * users / penalty


def usl_peak(contention: float, coherency: float) -> float | None:
    """N*, not rounded; None where the curve does not fall beyond a number of users above one."""
    return None if coherency <= 0 or contention + coherency >= 1 else math.sqrt((1 - contention) / coherency)


class Peak(msgspec.Struct, frozen=True, kw_only=True):
    """The highest point of a curve."""

    users: float
    throughput: float
    users_interval: tuple[float, float | None] | None
    """95 %, its upper end None where more than 2.5 % of the resampled curves have no peak; None without repeats."""


class Fit(msgspec.Struct, frozen=True, kw_only=True):
    """A curve that describes its measurements."""

    curve: Curve
    levels: tuple[int, ...]
    """The numbers of users measured, ascending."""
    residuals: tuple[float, ...]
    """Measured over fitted throughput less 1, a mean for each level."""
    r_squared: float
    """The share of the variation of log X that the curve explains."""
    peak: Peak | None
    """None where none was passed: a peak beyond the last level is a guess."""
    performance_interval: Interval | None
    """95 %, like the two below; None where a level has one repeat only."""
    contention_interval: Interval | None
    coherency_interval: Interval | None
    band: tuple[tuple[float, float, float], ...]
    """The 95 % interval of the curve: users, low, high, at BAND_POINTS places; empty where a level has one repeat."""

    @property
    def peak_in_words(self) -> str:
        """Where the peak is, or how far none was found."""
        if self.peak is None:
            return f"no peak found up to {self.levels[-1]} users"
        return f"peak of {number(self.peak.throughput)} requests/s at about {number(self.peak.users, digits=2)} users"


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """No curve, and why."""

    reason: str


def fit(levels: Throughputs, *, generator: np.random.Generator | None = None) -> Fit | Refused:
    """
    The curve through the throughputs (requests per second, one per repeat) of each number of users.

    It fits y = N / X, which is linear in 1, N - 1 and N (N - 1), by least squares with the weights 1 / y^2, since
    repeats scatter by about the same per cent at every level. Books publish least squares of X itself, where the high
    levels decide.

    ``generator`` draws the repeats for the intervals; None omits them. Raises ValueError for throughputs or users that
    are not positive.
    """
    users = np.array([n for n in sorted(levels) for _ in levels[n]], dtype=float)
    measured = np.array([x for n in sorted(levels) for x in levels[n]], dtype=float)
    if len(users) and min(users.min(), measured.min()) <= 0:
        raise ValueError("users and throughputs must be above 0: omit steps that served nothing")
    steps = tuple(n for n in sorted(levels) if levels[n])
    if len(steps) < LEVELS:
        return Refused(reason=f"{plural(len(steps), 'number')} of users measured: a curve needs {LEVELS} or more")
    curve = solve(users, measured)
    if curve is None:
        return Refused(reason="throughput rises faster than the number of users, which the law does not describe")
    fitted = np.array([curve.throughput(n) for n in users])
    logs = np.log(measured)
    variation = float(np.sum((logs - logs.mean()) ** 2))
    r_squared = 1 - float(np.sum((logs - np.log(fitted)) ** 2)) / variation if variation else 0.0
    residuals = tuple(float(np.mean(levels[n]) / curve.throughput(n) - 1) for n in steps)
    if (reason := misfit(steps, residuals, r_squared)) is not None:
        return Refused(reason=reason)
    resampled = resample(levels, generator) if generator is not None else NO_CURVES
    performances, contentions, coherencies = resampled.T
    return Fit(
        curve=curve,
        levels=steps,
        residuals=residuals,
        r_squared=r_squared,
        peak=passed_peak(curve, steps[-1], resampled),
        performance_interval=middle(performances),
        contention_interval=middle(contentions),
        coherency_interval=middle(coherencies),
        band=band(resampled, steps[0], steps[-1]),
    )


def band(resampled: np.ndarray, low: int, high: int) -> tuple[tuple[float, float, float], ...]:
    """The 95 % interval of the curve at places in equal ratios from the lowest to the highest number of users."""
    places = np.geomspace(low, high, BAND_POINTS).tolist()
    found = [(users, middle(usl_throughput(users, *resampled.T))) for users in places]
    return tuple((users, each.low, each.high) for users, each in found if each is not None)


def solve(users: np.ndarray, measured: np.ndarray) -> Curve | None:
    """Least squares with no coefficient below zero; None where only one with g infinite is left."""
    ratio = users / measured
    return curve_of(weighted(design_of(users), ratio, ratio**-2))


def solve_all(users: np.ndarray, measured: np.ndarray) -> np.ndarray:
    """The coefficients g, a and b of the curve through each row of ``measured``, but for those with g infinite."""
    ratios = users / measured
    found = weighted_rows(design_of(users), ratios, ratios**-2)
    base, first, second = found[found[:, 0] > 0].T
    return np.column_stack([1 / base, first / base, second / base])


def design_of(users: np.ndarray) -> np.ndarray:
    """The columns 1, N - 1 and N (N - 1), in which N / X is linear."""
    return np.column_stack([np.ones_like(users), users - 1, users * (users - 1)])


def curve_of(coefficients: np.ndarray) -> Curve | None:
    """The curve of the coefficients of N / X; None where g is infinite."""
    base, first, second = map(float, coefficients)
    return Curve(performance=1 / base, contention=first / base, coherency=second / base) if base > 0 else None


def weighted(design: np.ndarray, target: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted least squares with coefficients of at least 0."""
    found: np.ndarray = weighted_rows(design, target[None], weights[None])[0]
    return found


def weighted_rows(design: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The same for each row of targets and weights; columns are scaled, since they differ by up to N^2."""
    from scipy.optimize import nnls  # slow to load, and few runs have a curve

    roots = np.sqrt(weights)
    columns = design * roots[:, :, None]
    scales = np.linalg.norm(columns, axis=1)
    scaled = zip(columns / scales[:, None, :], targets * roots, strict=True)
    found: np.ndarray = np.array([nnls(row, target)[0] for row, target in scaled]) / scales
    return found


def misfit(steps: Sequence[int], residuals: Sequence[float], r_squared: float) -> str | None:
    """Why a curve does not describe its measurements; None where it does."""
    worst = max(range(len(steps)), key=lambda index: abs(residuals[index]))
    off = abs(residuals[worst])
    if off <= VISIBLE:  # this near at every level; and where throughput is flat there is no variation to explain
        return None
    if r_squared < R_SQUARED:
        explained = percent(max(r_squared, 0.0))  # below 0 where a horizontal line would be nearer
        return f"the curve explains {explained} of the variation of throughput, less than {percent(R_SQUARED)}"
    steepness = sum((later - earlier) ** 2 for earlier, later in pairwise(residuals))
    if off > WRONG or steepness < PATTERN * sum(residual**2 for residual in residuals):
        return (
            f"measured and fitted throughput differ by {percent(off)} at {steps[worst]} users: "
            "something limits it that is not smooth, such as a full thread pool"
        )
    return None


def resample(levels: Throughputs, generator: np.random.Generator) -> np.ndarray:
    """
    Curves through repeats drawn anew within each level, as ``solve_all`` gives them; none where a level has one repeat.

    Of n repeats n - 1 are drawn, with replacement: the variance of n draws would be (n - 1) / n of the right one, which
    is half of it for two repeats (Rao and Wu, 1988).
    """
    steps = [n for n in sorted(levels) if levels[n]]
    counts = np.array([len(levels[n]) for n in steps])
    if counts.min() < 2:
        return NO_CURVES
    choices, starts, users = (np.repeat(each, counts - 1) for each in (counts, np.cumsum(counts) - counts, steps))
    drawn = starts + generator.integers(0, choices, (CURVE_RESAMPLES, len(users)))
    return solve_all(users.astype(float), np.concatenate([levels[n] for n in steps])[drawn])


def passed_peak(curve: Curve, last: int, resampled: np.ndarray) -> Peak | None:
    """The peak, if the measurements went beyond it."""
    users = curve.peak_users
    if users is None or users >= last:
        return None
    return Peak(users=users, throughput=curve.throughput(users), users_interval=peak_interval(resampled))


def peak_interval(resampled: np.ndarray) -> tuple[float, float | None] | None:
    """The 95 % interval of N*; a curve without a peak counts as one with its peak at infinity."""
    if not len(resampled):
        return None
    peaks = sorted(math.inf if users is None else users for users in map(usl_peak, *resampled.T[1:].tolist()))
    low, high = (peaks[min(int(q * len(peaks)), len(peaks) - 1)] for q in (TAIL, 1 - TAIL))
    return low, None if math.isinf(high) else high


def middle(values: np.ndarray) -> Interval | None:
    """The middle 95 % of resampled values; None without any."""
    if not len(values):
        return None
    low, high = np.quantile(values, [TAIL, 1 - TAIL])
    return Interval(float(low), float(high))
