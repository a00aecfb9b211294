"""Drift: whether the throughput of the baseline changed over the time of a run."""

import math
from collections.abc import Sequence

import msgspec
import numpy as np

from functune.analysis.numbers.levels import Level
from functune.analysis.numbers.repeats import ENOUGH, SAME, SAME_IN_WORDS
from functune.analysis.numbers.statistics import Interval, students_t
from functune.formatting import percent, plural


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """How the throughput of the baseline changed from its first measurement in a run to its last."""

    change: float
    """Relative: -0.1 is 10 % less at the end."""
    interval: Interval
    """95 %, of the change."""
    steps: int
    """Measurements of the baseline."""

    @property
    def matters(self) -> bool:
        """Whether there is a trend, and one that could turn a comparison: beyond 5 %."""
        return not self.interval.low <= 0 <= self.interval.high and abs(self.change) > SAME

    @property
    def in_words(self) -> str:
        """One sentence."""
        span = (
            f"95 %: {percent(self.interval.low)} to {percent(self.interval.high)}, {plural(self.steps, 'measurement')}"
        )
        if self.interval.low <= 0 <= self.interval.high:
            return f"No drift was seen: from start to end the baseline changed by {percent(self.change)} ({span})."
        direction = "more" if self.change > 0 else "less"
        consequence = (
            "settings measured far apart cannot be compared"
            if self.matters
            else f"less than the {SAME_IN_WORDS} by which equal settings may differ"
        )
        return (
            f"The machine drifted: the baseline served {percent(abs(self.change))} {direction} at the end than at the "
            f"start ({span}), {consequence}."
        )


def drift(baseline: Sequence[Level]) -> Drift | None:
    """
    The trend of throughput over the time of a run, from the levels of the baseline, which every round repeats.

    None for fewer than five repeats, or where no level was measured at two times.

    Least squares of log X over time, with Student's interval of the slope. The levels may differ in subject, setting or
    load: each has its own mean and all share the slope.
    """
    steps = [
        (kind, repeat)
        for kind, level in enumerate(baseline)
        for repeat in level.repeats
        if repeat.figures.throughput > 0
    ]
    times = np.array([repeat.started_at for _, repeat in steps])
    freedom = len(steps) - len({kind for kind, _ in steps}) - 1
    if len(steps) < ENOUGH or freedom < 1 or np.ptp(times) == 0:
        return None
    kind = np.unique([kind for kind, _ in steps], return_inverse=True)[1]
    elapsed = centred((times - times.min()) / np.ptp(times), kind)
    logs = centred(np.log([repeat.figures.throughput for _, repeat in steps]), kind)
    variation = float(elapsed @ elapsed)
    if variation == 0:  # each kind was measured at one time only
        return None
    slope = float(elapsed @ logs) / variation
    rest = logs - slope * elapsed
    error = math.sqrt(float(rest @ rest) / freedom / variation)
    reach = students_t(freedom) * error
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
