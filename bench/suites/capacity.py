"""A capacity plan for a million requests a second."""

import os
import resource
import subprocess
import sys
import time
from collections.abc import AsyncIterator

import msgspec
import numpy as np

from bench import bounds
from bench.figure import Figure, NotMeasuredError
from bench.processes import ROOT
from functune.capacity.app_curves import AppCurves
from functune.capacity.assumptions import MOST_INSTANCES, assumptions
from functune.capacity.candidates import candidates
from functune.capacity.configuration import PLANNED_SIZES
from functune.capacity.curve import InstanceCurve
from functune.capacity.day import Conditions
from functune.capacity.forecast import Forecaster
from functune.capacity.traffic import daily
from functune.plans.price_list import shipped_prices

ROUNDS = 3
MEAN, PEAK = 600_000.0, 1_000_000.0
"""Requests per second."""


class LargePlan(msgspec.Struct, frozen=True, kw_only=True):
    """The plan that a process made, in figures."""

    seconds: float
    peak_mb: float
    forecasts: int
    most_instances: float


async def capacity() -> AsyncIterator[Figure]:
    """Every configuration for a day with a peak of a million requests a second, on one core."""
    rounds = [large_plan() for _ in range(ROUNDS)]
    if (most := max(each.most_instances for each in rounds)) < MOST_INSTANCES / 2:
        raise NotMeasuredError(f"the plan used {most:.0f} instances at the most, too few for this bound")
    detail = f"{rounds[0].forecasts} configurations, up to {rounds[0].most_instances:.0f} instances"
    yield Figure(bounds.PLAN_TIME, tuple(each.seconds for each in rounds), detail=detail)
    yield Figure(bounds.PLAN_MEMORY, tuple(each.peak_mb for each in rounds))


def large_plan() -> LargePlan:
    """The plan, made by a process of its own on one core."""
    ended = subprocess.run([sys.executable, "-m", __name__], cwd=ROOT, capture_output=True, check=False)
    if ended.returncode:
        raise NotMeasuredError(f"the plan ended with {ended.returncode}: {ended.stderr.decode(errors='replace')}")
    return msgspec.json.decode(ended.stdout, type=LargePlan)


def fast_app() -> InstanceCurve:
    """An app that serves 2,000 requests a second on an instance, 50 ms each, 100 at a time."""
    users = np.array([1.0, 10, 50, 100, 200])
    return InstanceCurve(
        in_flight=users,
        seconds=0.05 * np.maximum(users / 100, 1.0),
        cpu=0.0005,
        sizes=np.linspace(0.5, 1.5, 100),
    )


def make_large_plan() -> LargePlan:
    """The plan, with the time and the memory of this process."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    started = time.perf_counter()
    given = Conditions(
        traffic=daily(MEAN, PEAK),
        assumptions=assumptions([("flex-most", MOST_INSTANCES), ("container-apps-most", MOST_INSTANCES)]),
        prices=shipped_prices(),
    )
    forecaster, app = Forecaster(given, None), AppCurves(widest=fast_app())
    wanted = [each for plan in PLANNED_SIZES for each in candidates(plan, app, given.traffic, given.assumptions)]
    found = [forecaster.forecast(each, app) for each in wanted]
    return LargePlan(
        seconds=time.perf_counter() - started,
        peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        forecasts=len(found),
        most_instances=max(each.peak_instances for each in found),
    )


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(make_large_plan()))
