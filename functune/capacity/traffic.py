"""Traffic: requests per second over some time, such as a day, and the patterns for which nobody has a record."""

import math

import msgspec
import numpy as np
from scipy.optimize import brentq
from scipy.special import i0e

DAY = 86_400
"""Seconds."""
MOMENTS_PER_STEP = 12
"""Times that the traffic is looked at within a step, in which its rate stays the same."""
MOST_MOMENTS = 100_000
"""Most times that it is looked at, which is less often within each step where the traffic is long."""
TRAFFIC_STEP = 60
"""Seconds for which the rate of a pattern is constant."""
MOST_RATIO = 40
"""Highest ratio of the peak to the mean of a day: a sharper peak would be a burst."""
PEAK_HOUR = 14
"""Hour of the day at which the daily pattern is highest. It moves the curves of a page and changes no figure."""


class Traffic(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """The rates of some time. Within a step requests arrive at random (Poisson)."""

    name: str
    """In words, for people."""
    step: float
    """Seconds."""
    rates: np.ndarray
    """Requests per second in each step."""

    @property
    def seconds(self) -> float:
        """The time that it covers."""
        return float(self.step * len(self.rates))

    @property
    def mean(self) -> float:
        """Requests per second over all the time."""
        return float(self.rates.mean())

    @property
    def peak(self) -> float:
        """The highest rate, requests per second."""
        return float(self.rates.max())

    @property
    def moment(self) -> float:
        """The seconds between two moments at which it is looked at: an even part of a step, of 1 s or more."""
        shortest = max(self.step / MOMENTS_PER_STEP, 1, self.seconds / MOST_MOMENTS)
        return float(self.step / max(1, math.floor(self.step / shortest)))

    def moments(self) -> np.ndarray:
        """The rate at each moment."""
        return np.repeat(self.rates, max(1, round(self.step / self.moment)))


def steady(rate: float) -> Traffic:
    """The same rate for a day."""
    return Traffic(name=f"a steady {rate:g} requests/s", step=TRAFFIC_STEP, rates=np.full(DAY // TRAFFIC_STEP, rate))


def daily(mean: float, peak: float) -> Traffic:
    """
    A day with one peak. Raises ValueError for a peak below the mean, and for one that no smooth day has.

    The rate is proportional to exp(k cos t) (von Mises), with k for the ratio of peak and mean: for a small k a sine,
    for a large one a bell, and above 0 in any case.
    """
    ratio = peak / mean
    if not 1 <= ratio <= MOST_RATIO:
        raise ValueError(f"the peak is {ratio:g} times the mean: allowed are 1 to {MOST_RATIO} times")
    shape = 0.0 if ratio == 1 else float(brentq(lambda k: 1 / i0e(k) - ratio, 0, 50_000))
    hours = (np.arange(DAY // TRAFFIC_STEP) + 0.5) * TRAFFIC_STEP / 3600
    pattern = np.exp(shape * (np.cos((hours - PEAK_HOUR) * math.pi / 12) - 1))
    return Traffic(
        name=f"a day of {mean:g} requests/s on average and {peak:g} at its peak",
        step=TRAFFIC_STEP,
        rates=mean * pattern / pattern.mean(),
    )


def bursts(base: float, peak: float, lasting: float, every: float) -> Traffic:
    """A day whose rate rises at once for some seconds, again and again. Raises ValueError for impossible times."""
    if not 1 <= lasting < every <= DAY:
        raise ValueError(
            f"bursts of {lasting:g} s every {every:g} s: allowed are bursts from 1 s that are shorter than the time "
            f"between their starts, which is up to {DAY:,} s"
        )
    within = np.arange(DAY) % every
    return Traffic(
        name=f"{base:g} requests/s with bursts of {peak:g} for {lasting:g} s every {every:g} s",
        step=1,
        rates=np.where(within < lasting, peak, base).astype(float),
    )
