"""The ratio of one figure in two runs, whose repeats are not paired, with its span."""

import math
from collections.abc import Sequence

import numpy as np

from functune.analysis.numbers.figures import Figures
from functune.analysis.numbers.repeats import ENOUGH, Spread
from functune.analysis.numbers.statistics import students_t


def ratio_spread(before: Sequence[float], after: Sequence[float], *, among: int) -> Spread | None:
    """
    The span of the ratio of two means, from repeats that are not paired; None where one side was measured once.

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
    reach = students_t(freedom, among=among) * error
    return Spread(low=math.exp(difference - reach), high=math.exp(difference + reach), repeats=repeats)


def within_runs(before: Figures, after: Figures) -> Spread | None:
    """
    The spread of the ratio of two p95s by their order statistics; None where a step has too few requests.

    It knows nothing about the variation between runs, so it is the least uncertainty of the ratio.
    """
    was, now = before.p95_interval, after.p95_interval
    if was is None or now is None:
        return None
    return Spread(low=now.low / was.high, high=now.high / was.low, repeats=1)
