"""Every repeat as a dot around the mean of its step, a row per setting."""

from collections.abc import Mapping, Sequence

from functune.analysis.experiment import SubjectFindings
from functune.analysis.numbers.deviations import deviations_of
from functune.analysis.numbers.repeats import SAME
from functune.formatting import percent, plural, rate
from functune.report.charts.drawing import Drawing, Margins, drawing
from functune.report.charts.figure import Chart, ChartFigure, ChartInput
from functune.report.charts.labels import label_width
from functune.report.charts.looks import looks
from functune.report.charts.vega import Specification, category, linear_scale, literal, mark_layer, quantity

ROW_HEIGHT = 20
"""Of a setting, pixels."""
SIGNED = "datum.value > 0 ? '+' + datum.value : datum.value < 0 ? '\u2212' + -datum.value : '0'"
"""Tick labels with their sign."""


def repeats_figure(chart: ChartInput) -> ChartFigure | None:
    """The repeats of a route; None where each step was measured once."""
    drawn = repeats_drawing(chart.subject)
    if drawn is None:
        return None
    note = f"{chart.findings.name}: a row per setting."
    return ChartFigure(title=str(chart.subject.subject), note=note, drawing=drawn)


CHART = Chart(figure=repeats_figure, width="half", place=7, section="repeats")


def repeats_drawing(subject: SubjectFindings) -> Drawing | None:
    """The dots and the margin within which settings tie; None where each step was measured once."""
    dots = deviations_of(subject.levels)
    if not dots:
        return None
    look_of = looks(level.setting for level in subject.levels)
    repeated = {dot.level.setting for dot in dots}
    order = [look.label for setting, look in look_of.items() if setting in repeated]
    points = [
        {
            "setting": look_of[dot.level.setting].label,
            "deviation": dot.relative * 100,
            "color": look_of[dot.level.setting].color,
            "text": (
                f"{dot.relative * 100:+.1f} % · {rate(dot.repeat.figures.throughput)} · "
                f"{plural(dot.level.users, 'user')} · repeat {dot.repeat.number + 1}"
            ),
        }
        for dot in dots
    ]
    widest = max(abs(dot.relative) for dot in dots)
    reach = max(widest, 1.5 * SAME) * 100 * 1.1
    beyond = sum(abs(dot.relative) > SAME for dot in dots)
    return drawing(
        lambda _: repeat_layers(points, order, reach),
        f"Throughput of {len(dots)} repeats against the mean of their step: at most {percent(widest)} away, "
        f"{beyond} beyond {percent(SAME)}.",
        margins=Margins(left=max(map(label_width, order)) + 18, right=14, top=2),
        plot_height=ROW_HEIGHT * len(order) + 16,
    )


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
