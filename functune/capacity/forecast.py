"""The forecast for one configuration under some traffic: instances, latency, cold starts and the bill of a month."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

import msgspec
import numpy as np

from functune.analysis.numbers.figures import Figures
from functune.analysis.search.objective import Objective
from functune.capacity.app_curves import AppCurves
from functune.capacity.assumptions import LONGEST_START, SHORTEST_START
from functune.capacity.configuration import Configuration
from functune.capacity.curve import InstanceCurve
from functune.capacity.day import Conditions, DayCourse
from functune.capacity.fixed_day import app_service_days, container_apps_days, premium_days
from functune.capacity.flex_day import flex_days
from functune.capacity.latencies import mixture
from functune.capacity.station_table import StationTable, queueing_tables, refusing_tables
from functune.capacity.traffic import Traffic
from functune.plans.app_service import AppServicePlan

FRONT_END_LIMIT = float(AppServicePlan.front.timeout)
"""Seconds after which the front end of Functions and App Service ends a request; that of Container Apps 10 s later."""
RARE = 1e-3
"""Starts a day: fewer are none."""
QUANTILES_SHOWN = (0.5, 0.95, 0.99)
COURSE_POINTS = 288
"""Points of a course that is kept: one for each five minutes of a day."""
SEED = 1

type DaysOnPlan = Callable[..., Iterator[DayCourse]]

DAYS: Mapping[str, DaysOnPlan] = {
    "flex": flex_days,
    "premium": premium_days,
    "app-service": app_service_days,
    "container-apps": container_apps_days,
}
"""The days on each plan, by the length of a start. A new plan is an entry here, in PLANNED_SIZES and the candidates."""


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """What to expect of a configuration. Times are in seconds."""

    configuration: Configuration
    """The plan with its settings."""
    title: str
    """The same in words."""
    month: float
    """The bill of a month of 730 hours, in the currency of the price list."""
    bill: dict[str, float]
    """Its parts."""
    billed_seconds: float | None = None
    """Seconds of an instance that are billed for each request, on Flex Consumption."""
    instances: float
    """On average."""
    peak_instances: float
    """On average at the busiest moment, as a whole number."""
    p50: float
    """Latency that half of the requests do not exceed, with the longest start of an instance."""
    p95: float
    """Latency that 95 % do not exceed, likewise."""
    p99: float
    """Latency that 99 % do not exceed, likewise."""
    p95_shortest_start: float
    """The p95 with the shortest one."""
    starts: float
    """Starts of instances, a day."""
    cold_seconds: tuple[float, float]
    """Seconds a day in which instances start, with the shortest and with the longest start."""
    cold_share: float
    """The share of the requests that wait for a start."""
    keeps_up: bool
    """Whether no request waits longer than the front end allows because instances are missing."""
    meets: bool | None
    """Whether it keeps up and meets the objective; None without one, or where that asks for what is not known."""

    @property
    def row(self) -> dict[str, object]:
        """The forecast as columns of plain values."""
        shown = ("title", "month", "instances", "peak_instances", "p50", "p95", "p99", "starts", "cold_share")
        figures = {name: getattr(self, name) for name in (*shown, "keeps_up", "meets")}
        return {"plan": self.configuration.plan, "concurrency": self.configuration.concurrency, **figures}


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """Something over the time of the traffic: the most in each of some equal parts."""

    title: str
    """The title of the curve."""
    hours: tuple[float, ...]
    """The hours since the traffic began."""
    values: tuple[float, ...]
    """Instances, or requests per second."""


class InstanceKind(NamedTuple):
    """A kind of instance, which is simulated once."""

    curve: InstanceCurve
    """The one that was measured."""
    cores: float
    concurrency: int | None


def kind_of(configuration: Configuration, app: AppCurves) -> InstanceKind:
    """The kind of a configuration's instances."""
    curve = app.measured_for(configuration.plan, configuration.size)
    return InstanceKind(curve, configuration.instance.cores, configuration.concurrency)


class Forecaster:
    """Makes forecasts under the same traffic; what instances of one kind do is simulated once."""

    def __init__(self, given: Conditions, objective: Objective | None) -> None:
        self.given = given
        self.objective = objective
        self.tables: dict[InstanceKind, StationTable] = {}
        self.forecasts: dict[tuple[Configuration, AppCurves], Forecast] = {}
        self.requests = given.traffic.moments() * given.traffic.moment

    def prepare(self, configurations: Iterable[Configuration], app: AppCurves) -> None:
        """Simulate the instances of configurations, those not yet simulated."""
        kinds = {kind_of(each, app) for each in configurations} - self.tables.keys()
        for curve in {each.curve for each in kinds}:
            self.simulate({each for each in kinds if each.curve is curve}, curve)

    def simulate(self, kinds: Iterable[InstanceKind], curve: InstanceCurve) -> None:
        """Simulate instances of one measured curve side by side."""
        waiting = sorted((each for each in kinds if each.concurrency is None), key=lambda each: each.cores)
        refusing = [each for each in kinds if each.concurrency is not None]
        refusing.sort(key=lambda each: (each.cores, each.concurrency))
        if waiting:
            own = [curve.on_cores(each.cores) for each in waiting]
            self.tables |= zip(waiting, queueing_tables(own, seed=SEED), strict=True)
        if refusing:
            pairs = [(curve.on_cores(each.cores), each.concurrency or 1) for each in refusing]
            self.tables |= zip(refusing, refusing_tables(pairs, seed=SEED), strict=True)

    def days(self, configuration: Configuration, app: AppCurves, *colds: float) -> Iterator[DayCourse]:
        """The day on a configuration with each of these lengths of a start, seconds."""
        self.prepare([configuration], app)
        own = app.of(configuration.plan, configuration.size)
        table = self.tables[kind_of(configuration, app)]
        return DAYS[configuration.plan](configuration, own, table, self.given, colds=colds)

    def forecast(self, configuration: Configuration, app: AppCurves) -> Forecast:
        """The forecast for a configuration, made once."""
        if (configuration, app) not in self.forecasts:
            self.forecasts[configuration, app] = self.new_forecast(configuration, app)
        return self.forecasts[configuration, app]

    def new_forecast(self, configuration: Configuration, app: AppCurves) -> Forecast:
        """The same, computed."""
        known = self.given.assumptions
        shortest, longest = known[SHORTEST_START], known[LONGEST_START]
        days = self.days(configuration, app, longest, shortest)
        slow = next(days)
        p50, p95, p99 = self.latencies(slow, longest)
        fast_p95 = p95 if not slow.starts else self.latencies(next(days), shortest)[1]
        starts = slow.starts if slow.starts >= RARE else 0.0
        keeps_up = float(slow.wait.max()) <= FRONT_END_LIMIT
        figures = Figures(throughput=self.given.traffic.mean, p50=p50, p95=p95, p99=p99)
        met = self.objective.met(figures) if self.objective else None
        return Forecast(
            configuration=configuration,
            title=configuration.title,
            month=slow.bill.total,
            bill=slow.bill.parts,
            billed_seconds=slow.billed_seconds,
            instances=float(slow.instances.mean()),
            peak_instances=float(np.ceil(slow.instances.max() - 1e-6)),
            p50=p50,
            p95=p95,
            p99=p99,
            p95_shortest_start=fast_p95,
            starts=starts,
            cold_seconds=(starts * shortest, starts * longest),
            cold_share=float((slow.cold_share * self.requests).sum() / self.requests.sum()),
            keeps_up=keeps_up,
            meets=False if not keeps_up else met,
        )

    def latencies(self, day: DayCourse, cold: float) -> list[float]:
        """p50, p95 and p99 of all requests of a day."""
        return mixture(day.rows, day.row, self.requests, day.wait, day.cold_share, cold).quantiles(QUANTILES_SHOWN)

    def course(self, configuration: Configuration, app: AppCurves) -> Course:
        """The instances over the day."""
        day = next(self.days(configuration, app, self.given.assumptions[LONGEST_START]))
        return course_of(configuration.title, day.instances, self.given.traffic)


def course_of(title: str, values: np.ndarray, traffic: Traffic) -> Course:
    """Values at each moment as the highest of equal parts of the time."""
    parts = np.array_split(values, min(COURSE_POINTS, len(values)))
    hours = np.linspace(0, traffic.seconds / 3600, len(parts), endpoint=False)
    return Course(title=title, hours=tuple(hours.tolist()), values=tuple(float(part.max()) for part in parts))
