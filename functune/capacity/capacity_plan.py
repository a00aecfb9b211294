"""Everything that ``functune plan`` finds: forecasts, frontier, the cheapest configuration and the present one."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from functune.analysis.experiment import ExperimentFindings, SubjectFindings
from functune.analysis.search.objective import Objective
from functune.capacity.candidates import candidates
from functune.capacity.configuration import Configuration
from functune.capacity.day import Conditions
from functune.capacity.explain import Explanation, explain_instances
from functune.capacity.forecast import Course, Forecast, Forecaster, course_of
from functune.capacity.measured_app import MeasuredApp, NotPlanned, settings_by_plan, shapes_note, why_too_large
from functune.capacity.plan_sentence import SHOWN, plan_sentence
from functune.errors import UsageError
from functune.experiments.subject import Subject
from functune.plans.price_list import HOURS_PER_MONTH, ContainerAppsPrices, InstancePrices, PriceList, Prices
from functune.plans.registry import PLANS
from functune.setting import Setting

CAPACITY_SCHEMA_VERSION = 1
MEASURED_NOTE = (
    "Latencies are those that the run measured, including the path from its load generator to the app. Those of "
    "instances with other cores are computed from the CPU time of a request. Requests arrive at random within each "
    "step of the traffic, and a month repeats that traffic."
)
FLEX_NOTE = "Requests on Flex Consumption fill one instance after another [U]."


class TrafficSummary(msgspec.Struct, frozen=True, kw_only=True):
    """The traffic in figures."""

    name: str
    """The traffic, as ``--traffic`` has it."""
    mean: float
    """Requests per second."""
    peak: float
    """The most requests per second."""
    seconds: float
    """The length of the traffic."""
    requests_a_month: float
    """Requests in a month of 730 hours of such traffic."""


class CapacityPlan(msgspec.Struct, frozen=True, kw_only=True):
    """plan.json: times are in seconds, costs a month of 730 hours in the currency."""

    schema_version: int = CAPACITY_SCHEMA_VERSION
    """The version of this form, which rises when a key changes its meaning or disappears."""
    experiment: str
    """The name of the experiment."""
    subject: Subject
    """The requests whose figures it rests on."""
    traffic: TrafficSummary
    """The traffic in figures."""
    objective: str | None
    """The conditions to meet; None without any."""
    currency: str
    """Of all costs."""
    prices: dict[str, str]
    """The date and the source of the prices, by plan."""
    sentence: str
    """The answer."""
    cheapest: Forecast | None
    """The cheapest that keeps up and meets the objective."""
    present: Forecast | None
    """The present configuration; None where the app does not run there."""
    frontier: tuple[Forecast, ...]
    """Those that keep up and that no other clearly beats in both cost and p95, cheapest first."""
    forecasts: tuple[Forecast, ...]
    """All of them, cheapest first."""
    settings: dict[str, Setting]
    """The setting that was measured, by plan."""
    left_out: tuple[NotPlanned, ...]
    """The plans and sizes that cannot run the app, each with the reason."""
    explanation: Explanation | None
    """Why the present configuration has so many instances; None for another plan than Flex Consumption."""
    courses: tuple[Course, ...]
    """Instances over the time of the traffic, of the cheapest and of the present one."""
    traffic_course: Course
    """Requests per second over the same time."""
    assumptions: tuple[str, ...]
    """The rules of the platforms that it rests on; [U] marks those that no source confirms."""
    notes: tuple[str, ...]
    """On what the figures rest, a sentence each."""

    def rows(self) -> list[dict[str, object]]:
        """A dict for each forecast, the cheapest first: times in seconds, costs a month of 730 hours."""
        return [each.row for each in self.forecasts]


def make_plan(
    findings: ExperimentFindings,
    subject: SubjectFindings,
    apps: Mapping[str, MeasuredApp],
    left_out: Sequence[NotPlanned],
    given: Conditions,
    *,
    objective: Objective | None,
    present: Configuration,
    progress: Callable[[int, int], None] = lambda done, all_of_them: None,
) -> CapacityPlan:
    """
    The plan of a subject under some traffic.

    ``progress`` is told how many forecasts are done. Raises UsageError where no plan can run the app.
    """
    if not apps:
        raise UsageError(f"nothing can be planned: {'; '.join(f'{each.title}: {each.reason}' for each in left_out)}")
    forecaster = Forecaster(given, objective)
    wanted, small = wanted_configurations(apps, given, present)
    progress(0, len(wanted))
    for plan, app in apps.items():
        forecaster.prepare((each for each in wanted if each.plan == plan), app.curves)
    forecasts = []
    for done, configuration in enumerate(wanted):
        progress(done, len(wanted))
        forecasts.append(forecaster.forecast(configuration, apps[configuration.plan].curves))
    ordered = sorted(forecasts, key=lambda each: (each.month, each.p95))
    now = next((each for each in forecasts if each.configuration == present), None)
    best = next((each for each in ordered if each.keeps_up and each.meets is not False), None)
    shown = {each.configuration: each for each in (best, now) if each is not None}
    traffic = given.traffic
    return CapacityPlan(
        experiment=findings.name,
        subject=subject.subject,
        traffic=traffic_summary(given),
        objective=None if objective is None else str(objective),
        currency=given.prices.flex.currency,
        prices=price_sources(given.prices),
        sentence=plan_sentence(best, now, objective=objective, currency=given.prices.flex.currency, ordered=ordered),
        cheapest=best,
        present=now,
        frontier=frontier_of(ordered),
        forecasts=tuple(ordered),
        settings=settings_by_plan(apps),
        left_out=(*left_out, *small),
        explanation=(
            explain_instances(forecaster, present, apps["flex"].curves) if now and present.plan == "flex" else None
        ),
        courses=tuple(forecaster.course(each, apps[each.plan].curves) for each in shown),
        traffic_course=course_of(traffic.name, traffic.moments(), traffic),
        assumptions=tuple(row.in_words for row in given.assumptions.by_name.values()),
        notes=(MEASURED_NOTE, *filter(None, [shapes_note(apps)]), *([FLEX_NOTE] if "flex" in apps else [])),
    )


def wanted_configurations(
    apps: Mapping[str, MeasuredApp], given: Conditions, present: Configuration
) -> tuple[list[Configuration], list[NotPlanned]]:
    """The configurations to forecast, and the sizes that are too small for the app."""
    found: list[Configuration] = []
    small: dict[str, NotPlanned] = {}
    for plan, app in apps.items():
        own = [
            *candidates(plan, app.curves, given.traffic, given.assumptions),
            *([present] if present.plan == plan else []),
        ]
        for configuration in dict.fromkeys(own):
            if (reason := why_too_large(app, configuration)) is None:
                found.append(configuration)
            else:
                title = f"{PLANS[plan].title} {configuration.size}"
                small.setdefault(title, NotPlanned(title=title, reason=reason))
    return found, list(small.values())


def frontier_of(ordered: Sequence[Forecast]) -> tuple[Forecast, ...]:
    """
    Of forecasts in the order of their costs, those that keep up and have a lower p95 than all cheaper ones.

    A difference that a simulation of some thousand requests does not show is none.
    """
    found: list[Forecast] = []
    for each in ordered:
        if each.keeps_up and (not found or each.p95 < (1 - SHOWN) * found[-1].p95):
            found.append(each)
    return tuple(found)


def traffic_summary(given: Conditions) -> TrafficSummary:
    """The traffic in figures."""
    traffic = given.traffic
    return TrafficSummary(
        name=traffic.name,
        mean=traffic.mean,
        peak=traffic.peak,
        seconds=traffic.seconds,
        requests_a_month=traffic.mean * HOURS_PER_MONTH * 3600,
    )


def price_sources(prices: PriceList) -> dict[str, str]:
    """The date and the source of the prices of each plan."""
    tables: dict[str, Prices | InstancePrices | ContainerAppsPrices] = {
        "flex": prices.flex,
        "premium": prices.premium,
        "app-service": prices.app_service,
        "container-apps": prices.container_apps,
    }
    return {plan: f"{table.as_of}, {table.source}" for plan, table in tables.items()}
