"""Lines over the load: what the charts of throughput, latency and arrivals share."""

import math
from collections.abc import Mapping, Sequence

import msgspec

from functune.report.charts.axes import LogAxis
from functune.report.charts.drawing import NARROW, Drawing, Margins, drawing
from functune.report.charts.labels import label_width, moved_apart
from functune.report.charts.looks import Look
from functune.report.charts.vega import (
    Specification,
    category,
    linear_scale,
    literal,
    log_scale,
    mark_layer,
    quantity,
)

MOST_LABELS = 14
"""Most direct labels of a chart; with more lines only the recommended setting's and the highest have one."""
LABEL_OFFSET = 10
"""From the end of a line to its label, pixels."""
USERS_TITLE = "Concurrency, users (log scale)"


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """A point of a line; a measured one has a text, which hovering shows."""

    x: float
    value: float
    text: str = ""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a setting."""

    label: str
    look: Look
    points: tuple[Point, ...]
    """Measured."""
    curve: tuple[Point, ...]
    """The line through the points: a law, or the points themselves."""
    band: tuple[tuple[float, float, float], ...] = ()
    """The interval of the curve: x, low, high."""
    bold: bool = False
    dashed: bool = False


class Guide(msgspec.Struct, frozen=True, kw_only=True):
    """A dashed line to compare with: a bound, or an objective."""

    points: tuple[Point, ...]
    label: str = ""


class LineChart(msgspec.Struct, frozen=True, kw_only=True):
    """Lines over the load."""

    lines: tuple[Line, ...]
    guides: tuple[Guide, ...]
    vertical: LogAxis
    horizontal_title: str
    ticks: tuple[float, ...]
    """The loads measured, ascending."""
    logarithmic: bool
    """Whether the horizontal axis is."""


def measured_values(lines: Sequence[Line]) -> list[float]:
    """Every measured value of the lines."""
    return [point.value for line in lines for point in line.points]


def line_drawing(chart: LineChart, subject: str) -> Drawing:
    """The drawing of a chart; its text alternative is the subject, then where each line ends."""
    ends = "; ".join(f"{line.label}: {line.points[-1].text}" for line in chart.lines)
    return drawing(
        lambda height: chart_layers(chart, height),
        f"{subject} At the highest load measured: {ends}.",
        margins=Margins(right=label_room(chart) + 14),
    )


def label_room(chart: LineChart) -> float:
    """Room for the labels that reach beyond the plot of the narrow drawing, pixels."""
    plot = NARROW.width / 2  # no narrower, so that labels of lines that end early are sure to fit
    return max(
        0,
        *(
            LABEL_OFFSET + label_width(line.label) - (1 - share_of_axis(chart, line.points[-1].x)) * plot
            for line in chart.lines
        ),
    )


def share_of_axis(chart: LineChart, load: float) -> float:
    """Where a load lies on the horizontal axis: 0 at its start, 1 at its end."""
    low, high = load_domain(chart)
    return math.log(load / low) / math.log(high / low) if chart.logarithmic else (load - low) / (high - low)


def load_domain(chart: LineChart) -> tuple[float, float]:
    """The ends of the horizontal axis, which differ also where a single load was measured."""
    low, high = chart.ticks[0], max(chart.ticks[-1], chart.ticks[0] * 1.01)
    return low, max(high, low + 1) if chart.logarithmic else high


def chart_layers(chart: LineChart, height: float) -> list[Specification]:
    """The layers on a plot of that height, pixels: bands lowest, labels on top."""
    axes = {"x": load_channel(chart), "y": chart.vertical.vertical()}
    return [
        *band_layers(chart.lines, axes),
        *guide_layers(chart.guides, axes),
        *curve_layers(chart.lines, axes),
        point_layer(chart.lines, axes),
        *label_layers(end_labels(chart, height), axes),
    ]


def load_channel(chart: LineChart) -> Specification:
    """The horizontal channel, with ticks where something was measured."""
    low, high = load_domain(chart)
    scale = log_scale(low, high, base=2) if chart.logarithmic else linear_scale(low, high)
    axis = {
        "values": list(chart.ticks),
        "title": chart.horizontal_title,
        "format": ",~r",
        "grid": False,
        "labelOverlap": True,
        "labelSeparation": 4,
        "labelFlush": False,
    }
    return quantity("x", scale=scale, axis=axis)


def band_layers(lines: Sequence[Line], axes: Specification) -> list[Specification]:
    """The intervals of the curves."""
    values = [
        {"x": x, "value": low, "high": high, "series": line.label, "color": line.look.color}
        for line in lines
        for x, low, high in line.band
    ]
    if not values:
        return []
    encoding = {**axes, "y2": {"field": "high"}, "detail": category("series"), "fill": literal("color")}
    return [mark_layer(values, "area", encoding, opacity=0.18, aria=False)]


def guide_layers(guides: Sequence[Guide], axes: Specification) -> list[Specification]:
    """Bounds and objectives; an objective has its words."""
    if not guides:
        return []
    values = [
        {"x": point.x, "value": point.value, "line": place}
        for place, guide in enumerate(guides)
        for point in guide.points
    ]
    line = mark_layer(
        values,
        "line",
        {**axes, "detail": category("line")},
        strokeDash=[3, 3],
        strokeWidth=1,
        color="var(--bound)",
        aria=False,
    )
    named = [
        {"x": guide.points[0].x, "value": guide.points[0].value, "text": guide.label} for guide in guides if guide.label
    ]
    words = mark_layer(
        named,
        "text",
        {**axes, "text": category("text")},
        align="left",
        dx=4,
        dy=-6,
        fontSize=12,
        color="var(--muted)",
        aria=False,
    )
    return [line, words] if named else [line]


def curve_layers(lines: Sequence[Line], axes: Specification) -> list[Specification]:
    """The curves, dashed ones below."""
    found = []
    for dashed in (True, False):
        values = [
            {
                "x": point.x,
                "value": point.value,
                "series": line.label,
                "color": line.look.color,
                "width": 3.5 if line.bold else 1.25 if dashed else 1.75,
            }
            for line in lines
            if line.dashed is dashed
            for point in line.curve
        ]
        encoding = {
            **axes,
            "color": literal("color"),
            "detail": category("series"),
            "strokeWidth": literal("width", "quantitative"),
        }
        if values:
            found.append(mark_layer(values, "line", encoding, aria=False, strokeDash=[5, 3] if dashed else []))
    return found


def point_layer(lines: Sequence[Line], axes: Specification) -> Specification:
    """The measured points."""
    values = [
        {
            "x": point.x,
            "value": point.value,
            "text": point.text,
            "color": line.look.color,
            "shape": line.look.shape,
            "size": 24 if line.dashed else 60,
        }
        for line in lines
        for point in line.points
    ]
    encoding = {
        **axes,
        "color": literal("color"),
        "shape": literal("shape"),
        "size": literal("size", "quantitative"),
        "description": category("text"),
    }
    return mark_layer(values, "point", encoding, filled=True, opacity=1)


def label_layers(ends: Sequence[Mapping[str, object]], axes: Specification) -> list[Specification]:
    """The direct labels, the recommended setting's in bold."""
    return [
        mark_layer(
            values,
            "text",
            {**axes, "text": category("text"), "color": literal("color")},
            align="left",
            dx=LABEL_OFFSET,
            fontSize=12,
            fontWeight="bold" if bold else "normal",
            aria=False,
        )
        for bold in (False, True)
        if (values := [label for label in ends if label["bold"] is bold])
    ]


def end_labels(chart: LineChart, height: float) -> list[dict[str, object]]:
    """A label at the end of each line, moved apart where lines end close together."""
    ranked = sorted(chart.lines, key=lambda line: (not line.bold, line.dashed, -line.points[-1].value))[:MOST_LABELS]
    ordered = sorted(ranked, key=lambda line: chart.vertical.distance_of(line.points[-1].value, height))
    places = [chart.vertical.distance_of(line.points[-1].value, height) for line in ordered]
    return [
        {
            "x": line.points[-1].x,
            "value": chart.vertical.value_at(place, height),
            "text": line.label,
            "color": line.look.color,
            "bold": line.bold,
        }
        for line, place in zip(ordered, moved_apart(places, height), strict=True)
    ]
