"""The configurations that are worth a forecast: every plan with its sizes, and the numbers that could be best."""

import math
from collections.abc import Iterator

from functune.capacity.app_curves import AppCurves
from functune.capacity.assumptions import APP_SERVICE_MOST, Assumptions
from functune.capacity.configuration import PLANNED_SIZES, Configuration
from functune.capacity.curve import InstanceCurve
from functune.capacity.station_table import MOST_SLOTS
from functune.capacity.traffic import Traffic
from functune.shapes import FLEX_SIZES

CONCURRENCIES = (1, 4, 8, 16, 32, 64, 128, 256, 512, 1000)
"""Per-instance concurrencies that have a forecast: 1 is Python's default, 4, 16 and 32 those of other languages."""
ISOLATED = frozenset({"I1v2"})
"""Sizes that need an environment of their own, whose price is not known."""
MORE_INSTANCES = 4
"""Instances of App Service above the fewest that keep up, up to which each number has a forecast."""


def flex_candidates(app: AppCurves, traffic: Traffic, known: Assumptions) -> Iterator[Configuration]:
    """Memory x concurrency x always-ready instances: none, one, and enough for the mean rate where that is allowed."""
    most = int(known["flex-most"])
    for name in FLEX_SIZES:
        own = app.of("flex", name)
        for concurrency in useful_concurrencies(own):
            in_use = traffic.mean * float(own.response(concurrency)) / concurrency
            for ready in sorted({0, 1, min(math.ceil(in_use), most)}):
                yield Configuration(plan="flex", size=name, concurrency=concurrency, least=ready)


def useful_concurrencies(curve: InstanceCurve) -> list[int]:
    """Those up to the most that was measured, and up to the first that no more throughput follows."""
    measured = int(curve.in_flight[-1])
    best = curve.best_count(measured)
    known = [each for each in CONCURRENCIES if each <= measured]
    return [each for each in known if each < 2 * best] or [1]


def app_service_candidates(size: str, app: AppCurves, traffic: Traffic, known: Assumptions) -> Iterator[Configuration]:
    """The fewest instances that keep up, and some more."""
    most = int(known["app-service-most"])
    most = min(most, APP_SERVICE_MOST.get(size, most))
    own = app.of("app-service", size)
    fewest = max(1, math.ceil(traffic.peak / own.capacity(MOST_SLOTS)))
    for count in range(min(fewest, most), min(fewest + MORE_INSTANCES, most) + 1):
        yield Configuration(plan="app-service", size=size, least=count)


def candidates(plan: str, app: AppCurves, traffic: Traffic, known: Assumptions) -> Iterator[Configuration]:
    """The configurations of a plan."""
    match plan:
        case "flex":
            yield from flex_candidates(app, traffic, known)
        case "premium":
            for size in PLANNED_SIZES[plan]:
                yield from (Configuration(plan="premium", size=size, least=least) for least in (1, 2))
        case "app-service":
            for size in (each for each in PLANNED_SIZES[plan] if each not in ISOLATED):
                yield from app_service_candidates(size, app, traffic, known)
        case "container-apps":
            for size in ("0.25", "0.5", "1", "2", "4"):
                yield from (Configuration(plan="container-apps", size=size, least=least) for least in (0, 1))
