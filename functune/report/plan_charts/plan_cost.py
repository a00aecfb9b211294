"""The bill of a month against p95: a point per configuration, and the frontier."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from functune.capacity.capacity_plan import CapacityPlan
from functune.capacity.forecast import Forecast
from functune.capacity.plan_sentence import SHOWN
from functune.formatting import duration, money, percent
from functune.plans.registry import PLANS
from functune.report.charts.axes import IN_MS_AND_S, WITH_SEPARATORS, LogAxis, log_axis
from functune.report.charts.drawing import Drawing, Margins, drawing
from functune.report.charts.figure import ChartFigure
from functune.report.charts.pareto import front_layer
from functune.report.charts.vega import Specification, category, literal, mark_layer
from functune.report.markup import Html, element

LEAST_AMOUNT = 0.01
"""Of a logarithmic axis: a month within the free grant stands here."""
PLAN_MARKS: Mapping[str, tuple[str, str, str]] = {
    "flex": ("var(--series-0)", "circle", "●"),
    "premium": ("var(--series-3)", "diamond", "◆"),
    "app-service": ("var(--series-5)", "square", "■"),
    "container-apps": ("var(--series-7)", "triangle-up", "▲"),
}
"""Colour, shape, and the shape as a character, of each plan."""


class CostAxes(msgspec.Struct, frozen=True, kw_only=True):
    """The month across, p95 down."""

    month: LogAxis
    p95: LogAxis


def plan_cost_figure(plan: CapacityPlan) -> ChartFigure:
    """Cost against p95 of every configuration that keeps up."""
    shown = [each for each in plan.forecasts if each.keeps_up]
    return ChartFigure(
        title=cost_finding(plan),
        note=" ".join(cost_notes(plan, shown)),
        drawing=cost_drawing(plan, shown),
        before=plans_legend(shown),
    )


def cost_notes(plan: CapacityPlan, shown: Sequence[Forecast]) -> Iterator[str]:
    """How to read the chart, a sentence for each of its parts."""
    yield "A point per configuration."
    if len(plan.frontier) > 1:
        yield "No point beats one on the dashed line in both cost and p95."
    if min(each.month for each in shown) < LEAST_AMOUNT:
        yield f"Months below {LEAST_AMOUNT} stand at {LEAST_AMOUNT}."
    if left_out := len(plan.forecasts) - len(shown):
        yield f"Not drawn: {left_out} that do not keep up with the traffic."


def cost_finding(plan: CapacityPlan) -> str:
    """The finding of the chart: the ends of the frontier, or the one configuration on it."""
    cheapest, fastest = plan.frontier[0], plan.frontier[-1]
    if cheapest == fastest:
        return f"{cheapest.title} is cheapest, and no p95 is more than {percent(SHOWN)} lower"
    return (
        f"From {money(cheapest.month)} {plan.currency} a month at a p95 of {duration(cheapest.p95)} to "
        f"{money(fastest.month)} at {duration(fastest.p95)}"
    )


def cost_drawing(plan: CapacityPlan, shown: Sequence[Forecast]) -> Drawing:
    """The points, the frontier, and the names of the cheapest and of the present configuration."""
    axes = CostAxes(
        month=log_axis(
            f"A month, {plan.currency} (log scale)", [amount(each) for each in shown], tick_labels=WITH_SEPARATORS
        ),
        p95=log_axis("p95 latency (log scale)", [each.p95 for each in shown], tick_labels=IN_MS_AND_S),
    )
    named = [(plan.cheapest, "cheapest"), (plan.present, "present")]
    names = [
        {"month": amount(each), "value": each.p95, "text": text}
        for each, text in named
        if each is not None and each.keeps_up
    ]
    line = [{"month": amount(each), "value": each.p95} for each in plan.frontier]
    best = "; ".join(forecast_in_words(each) for each in plan.frontier)
    return drawing(
        lambda _: cost_layers([cost_point(each) for each in shown], line, names, axes),
        f"The bill of a month against p95 latency of {len(shown)} configurations. On the frontier: {best}.",
        margins=Margins(right=64),
    )


def amount(forecast: Forecast) -> float:
    """The month, as a logarithmic axis can show it."""
    return max(forecast.month, LEAST_AMOUNT)


def forecast_in_words(forecast: Forecast) -> str:
    """A configuration with its figures."""
    return f"{money(forecast.month)} a month, p95 {duration(forecast.p95)} · {forecast.title}"


def cost_point(forecast: Forecast) -> dict[str, object]:
    """A configuration as a point."""
    color, shape, _ = PLAN_MARKS[forecast.configuration.plan]
    return {
        "month": amount(forecast),
        "value": forecast.p95,
        "color": color,
        "shape": shape,
        "text": forecast_in_words(forecast),
    }


def cost_layers(
    points: Sequence[Mapping[str, object]],
    line: Sequence[Mapping[str, object]],
    names: Sequence[Mapping[str, object]],
    axes: CostAxes,
) -> list[Specification]:
    """Frontier, points and names."""
    place = {"x": axes.month.horizontal("month"), "y": axes.p95.vertical()}
    marked = {**place, "color": literal("color"), "shape": literal("shape"), "description": category("text")}
    return [
        front_layer(line, place, cost="month"),
        mark_layer(points, "point", marked, filled=True, opacity=0.85, size=50),
        mark_layer(
            names,
            "text",
            {**place, "text": category("text")},
            align="left",
            dx=8,
            dy=-8,
            fontSize=12,
            fontWeight="bold",
            color="var(--ink)",
            aria=False,
        ),
    ]


def plans_legend(shown: Sequence[Forecast]) -> Html:
    """The colour and the shape of each plan that is drawn."""
    drawn = dict.fromkeys(each.configuration.plan for each in shown)
    return element(
        "ul",
        *(
            element(
                "li",
                element("span", PLAN_MARKS[plan][2], style=f"color: {PLAN_MARKS[plan][0]}", aria_hidden="true"),
                f" {PLANS[plan].title}",
            )
            for plan in PLAN_MARKS
            if plan in drawn
        ),
        class_="legend",
    )
