"""Every repeat as a dot around the mean of its step, a row per setting."""

from collections.abc import Mapping, Sequence

import msgspec

from functune.analysis.diagnosis import SAME
from functune.analysis.findings import RouteFindings
from functune.analysis.formatting import percent, plural, rate
from functune.measurements import Measurement, Setting
from functune.report.charts.drawing import Drawing, Margins, drawing
from functune.report.charts.figure import ChartFigure, ChartInput
from functune.report.charts.labels import label_width
from functune.report.charts.looks import looks
from functune.report.charts.vega import Specification, category, linear_scale, literal, mark_layer, quantity

ROW_HEIGHT = 20
"""Of a setting, pixels."""
SIGNED = "datum.value > 0 ? '+' + datum.value : datum.value < 0 ? '\u2212' + -datum.value : '0'"
"""Tick labels with their sign."""


class Dot(msgspec.Struct, frozen=True, kw_only=True):
    """One repeat of one step."""

    step: Measurement
    deviation: float
    """Throughput over the mean of the step's repeats, minus 1."""


def repeats_figure(chart: ChartInput) -> ChartFigure | None:
    """The repeats of a route; None where each step was measured once."""
    drawn = repeats_drawing(chart.route)
    if drawn is None:
        return None
    name = chart.findings.analysis.experiment.name
    return ChartFigure(title=chart.route.route, note=f"{name}: a row per setting.", drawing=drawn)


def repeats_drawing(route: RouteFindings) -> Drawing | None:
    """The dots and the margin within which settings tie; None where each step was measured once."""
    dots = deviations(route.repeats)
    if not dots:
        return None
    look_of = looks(step.setting for step in route.steps)
    repeated = {dot.step.setting for dot in dots}
    order = [look.label for setting, look in look_of.items() if setting in repeated]
    points = [
        {
            "setting": look_of[dot.step.setting].label,
            "deviation": dot.deviation * 100,
            "color": look_of[dot.step.setting].color,
            "text": (
                f"{dot.deviation * 100:+.1f} % · {rate(dot.step.throughput)} · {plural(dot.step.users, 'user')} · "
                f"repeat {dot.step.repeat + 1}"
            ),
        }
        for dot in dots
    ]
    widest = max(abs(dot.deviation) for dot in dots)
    reach = max(widest, 1.5 * SAME) * 100 * 1.1
    beyond = sum(abs(dot.deviation) > SAME for dot in dots)
    return drawing(
        lambda _: repeat_layers(points, order, reach),
        f"Throughput of {len(dots)} repeats against the mean of their step: at most {percent(widest)} away, "
        f"{beyond} beyond {percent(SAME)}.",
        margins=Margins(left=max(map(label_width, order)) + 18, right=14, top=2),
        plot_height=ROW_HEIGHT * len(order) + 16,
    )


def deviations(repeats: Sequence[Measurement]) -> list[Dot]:
    """Every repeat, around the mean, of the steps measured more than once that served something."""
    groups: dict[tuple[Setting, int], list[Measurement]] = {}
    for step in repeats:
        groups.setdefault((step.setting, step.users), []).append(step)
    found = []
    for group in groups.values():
        mean = sum(step.throughput for step in group) / len(group)
        if len(group) > 1 and mean > 0:
            found += [Dot(step=step, deviation=step.throughput / mean - 1) for step in group]
    return found


def repeat_layers(points: Sequence[Mapping[str, object]], order: Sequence[str], reach: float) -> list[Specification]:
    """The margin and the dots; ``reach`` is where the axis ends on both sides, percent."""
    axis = {
        "title": "Deviation from the mean of the step, %",
        "labelExpr": SIGNED,
        "tickCount": 5,
        "grid": True,
        "labelOverlap": True,
    }
    x = quantity("deviation", scale=linear_scale(-reach, reach), axis=axis)
    y = category("setting", sort=list(order), scale={"domain": list(order)}, axis={"title": None})
    margin = [{"deviation": -SAME * 100, "high": SAME * 100}]
    dots = {"x": x, "y": y, "color": literal("color"), "description": category("text")}
    return [
        mark_layer(margin, "rect", {"x": x, "x2": {"field": "high"}}, color="var(--hatch)", aria=False),
        mark_layer(points, "point", dots, filled=True, opacity=1, size=30),
    ]
