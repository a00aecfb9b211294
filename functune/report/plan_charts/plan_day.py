"""The instances of the cheapest and of the present configuration over the traffic."""

from collections.abc import Mapping, Sequence

from functune.capacity.capacity_plan import CapacityPlan
from functune.capacity.forecast import Course
from functune.formatting import number
from functune.report.charts.drawing import Drawing, Margins, drawing
from functune.report.charts.figure import ChartFigure
from functune.report.charts.vega import Specification, category, linear_scale, literal, mark_layer, quantity
from functune.report.markup import Html, element

LINE_COLORS = ("var(--series-0)", "var(--series-5)")
"""Of the cheapest and of the present configuration."""


def plan_day_figure(plan: CapacityPlan) -> ChartFigure | None:
    """The courses; None where none is shown."""
    if not plan.courses:
        return None
    title = "; ".join(f"{course.title}: up to {most_of(course)}" for course in plan.courses)
    note = (
        f"Mean number of instances over the time of the traffic. Grey: requests per second, from 0 to the peak of "
        f"{number(plan.traffic.peak)}, at a scale of its own."
    )
    return ChartFigure(title=title, note=note, drawing=day_drawing(plan), before=lines_legend(plan.courses))


def most_of(course: Course) -> str:
    """The highest value of a course: ``2.35``, and ``2`` for 2.00."""
    most = number(max(course.values))
    return most.rstrip("0").rstrip(".") if "." in most else most


def day_drawing(plan: CapacityPlan) -> Drawing:
    """A stepped line per configuration above the traffic."""
    highest = max(1.0, *(max(course.values) for course in plan.courses))
    scale = highest / max(plan.traffic.peak, 1e-9)
    traffic = [
        {"hour": hour, "value": value * scale}
        for hour, value in zip(plan.traffic_course.hours, plan.traffic_course.values, strict=True)
    ]
    lines = [point for place, course in enumerate(plan.courses) for point in course_points(course, place)]
    ends = "; ".join(f"{course.title}: up to {most_of(course)} instances" for course in plan.courses)
    return drawing(
        lambda _: day_layers(traffic, lines, highest, plan.traffic.seconds / 3600),
        f"Instances over {number(plan.traffic.seconds / 3600)} hours. {ends}.",
        margins=Margins(),
    )


def course_points(course: Course, place: int) -> list[dict[str, object]]:
    """The points of one line; the place chooses its colour."""
    return [
        {"hour": hour, "value": value, "series": course.title, "color": LINE_COLORS[place % len(LINE_COLORS)]}
        for hour, value in zip(course.hours, course.values, strict=True)
    ]


def day_layers(
    traffic: Sequence[Mapping[str, object]], lines: Sequence[Mapping[str, object]], highest: float, hours: float
) -> list[Specification]:
    """The traffic below the lines."""
    axes = {
        "x": quantity("hour", scale=linear_scale(0, hours), axis={"title": "Hours", "grid": False, "tickCount": 8}),
        "y": quantity(
            "value",
            scale=linear_scale(0, highest * 1.05),
            axis={"title": "Instances", "titleAngle": 0, "titleAlign": "left", "titleX": -54, "titleY": -14},
        ),
    }
    return [
        mark_layer(traffic, "area", axes, color="var(--muted)", opacity=0.2, aria=False),
        mark_layer(
            lines,
            "line",
            {**axes, "color": literal("color"), "detail": category("series")},
            interpolate="step-after",
            strokeWidth=2,
            aria=False,
        ),
    ]


def lines_legend(courses: Sequence[Course]) -> Html:
    """The colour of each configuration."""
    return element(
        "ul",
        *(
            element(
                "li",
                element("span", "━", style=f"color: {LINE_COLORS[place % len(LINE_COLORS)]}", aria_hidden="true"),
                f" {course.title}",
            )
            for place, course in enumerate(courses)
        ),
        class_="legend",
    )
