"""Throughput against users as a law: the curve of each setting through all of its repeats, or why there is none."""

from collections.abc import Iterable

import numpy as np

from functune.analysis.usl import Fit, Refused, fit
from functune.measurements import Measurement, Setting


def curves(repeats: Iterable[Measurement], *, generator: np.random.Generator) -> dict[Setting, Fit | Refused]:
    """
    The curve of each setting, from the closed-loop repeats of one route.

    Steps that served nothing are left out: the law knows no zero.
    """
    levels: dict[Setting, dict[int, list[float]]] = {}
    for step in repeats:
        if step.throughput:
            levels.setdefault(step.setting, {}).setdefault(step.users, []).append(step.throughput)
    return {setting: fit(measured, generator=generator) for setting, measured in levels.items()}
