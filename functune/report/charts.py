"""
The charts, as inline SVG.

Each is drawn twice, for a wide and a narrow screen, so that its text keeps its size; the page shows one of them.
Colours are CSS variables, which is how one drawing serves light, dark and print. Vega's own script stays out: the page
reads the values it shows on hover from the ``aria-label`` of each point.
"""

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import altair as alt
import msgspec
import vl_convert

from functune.analysis.bounds import bound
from functune.analysis.formatting import duration, plural, rate
from functune.analysis.formatting import setting as in_words
from functune.analysis.statistics import percentile
from functune.analysis.strategies import simplicity
from functune.analysis.verdict import Analysis
from functune.measurements import Measurement, Setting
from functune.report.markup import Html, element

RAMP = 8
"""Number of series colours in the style sheet, --series-0 (fewest threads) to --series-7."""
SHAPES = ["circle", "square", "triangle-up", "diamond", "cross", "triangle-down"]
LABEL_GAP = 14
"""Least distance of two direct labels, pixels."""


class Size(msgspec.Struct, frozen=True):
    """A drawing's size in pixels, and the class the page shows it by."""

    width: int
    height: int
    name: str


SIZES = [Size(540, 320, "wide"), Size(320, 280, "narrow")]


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """A measured point."""

    users: float
    value: float
    text: str
    """What hovering shows."""


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """The points of one setting, and how they look."""

    label: str
    points: list[Point]
    color: str
    shape: str
    recommended: bool


class Axis(msgspec.Struct, frozen=True, kw_only=True):
    """
    The vertical axis, logarithmic as the horizontal one is.

    So N / S is a straight line, and a straight line between two points is what a closed loop would show between them.
    """

    title: str
    low: float
    high: float
    labels: str
    """A Vega expression."""

    @property
    def ticks(self) -> list[float]:
        """1, 2 and 5 times the powers of ten from ``low`` to ``high``."""
        decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        ticks = [float(f"{digit}e{decade}") for decade in decades for digit in (1, 2, 5)]
        return [tick for tick in ticks if self.low <= tick <= self.high]

    def height_of(self, value: float, height: float) -> float:
        """The distance of a value from the top, of a plot so many pixels high."""
        return height * math.log(self.high / value) / math.log(self.high / self.low)

    def at_height(self, pixels: float, height: float) -> float:
        """The value at a distance from the top; the inverse of ``height_of``."""
        return float(self.high * (self.low / self.high) ** (pixels / height))


def axis(title: str, values: Sequence[float], *, labels: str) -> Axis:
    """An axis around the values, of a decade at least: less would blow noise up to a finding."""
    low, high = min(values) / 1.3, max(values) * 1.3
    margin = max(math.sqrt(10 * low / high), 1.0)
    return Axis(title=title, low=low / margin, high=high * margin, labels=labels)


def throughput_chart(analysis: Analysis, route: str) -> Html | None:
    """Throughput against concurrency, a line per setting, with the operational bounds; None when nothing succeeded."""
    steps = [step for step in analysis.measurements if step.route == route]
    lines = series(analysis, route, steps, lambda step: step.throughput or None, rate)
    if not lines:
        return None
    vertical = axis("Requests/s (log scale)", values(lines), labels="format(datum.value, ',~r')")
    dashed = bounds(analysis, route, steps, vertical)
    return figure(lines, dashed, vertical, users=levels(steps), alternative="Throughput")


def latency_chart(analysis: Analysis, route: str) -> Html | None:
    """The 95th percentile of latency against concurrency; None when no step has the 72 requests it takes."""
    steps = [step for step in analysis.measurements if step.route == route]
    lines = series(analysis, route, steps, p95, duration)
    if not lines:
        return None
    in_ms_and_s = "datum.value >= 1 ? datum.value + ' s' : format(datum.value * 1000, '~r') + ' ms'"
    vertical = axis("p95 latency (log scale)", values(lines), labels=in_ms_and_s)
    return figure(lines, [], vertical, users=levels(steps), alternative="95th percentile of latency")


def values(lines: Sequence[Series]) -> list[float]:
    """Every measured value of a chart."""
    return [point.value for line in lines for point in line.points]


def p95(step: Measurement) -> float | None:
    """The 95th percentile of latency, seconds; None below 72 requests."""
    value = percentile(step.latencies_us, 0.95)
    return None if value is None else value / 1e6


def levels(steps: Sequence[Measurement]) -> list[int]:
    """The numbers of users measured, ascending."""
    return sorted({step.users for step in steps})


def series(
    analysis: Analysis,
    route: str,
    steps: Sequence[Measurement],
    value: Callable[[Measurement], float | None],
    text: Callable[[float], str],
) -> list[Series]:
    """A line per setting, simplest first. Colour follows the knob that varies, threads before processes."""
    settings = sorted({step.setting for step in steps}, key=simplicity)
    recommended = {each.setting for each in analysis.recommendations if each.route == route}
    threads = sorted({one.thread_count for one in settings}, key=lambda count: (count is None, count))
    processes = sorted({one.process_count for one in settings})
    found = []
    for one in settings:
        place, total = threads.index(one.thread_count), len(threads)
        if total == 1:
            place, total = processes.index(one.process_count), len(processes)
        measured = [(step, value(step)) for step in steps if step.setting == one]
        found.append(
            Series(
                label=short(one, threads=len(threads) > 1, processes=len(processes) > 1),
                points=[
                    Point(
                        users=step.users,
                        value=y,
                        text=f"{text(y)} · {plural(step.users, 'user')} · {in_words(one)}",
                    )
                    for step, y in measured
                    if y is not None
                ],
                color=f"var(--series-{round(place * (RAMP - 1) / max(total - 1, 1))})",
                shape=SHAPES[processes.index(one.process_count) % len(SHAPES)],
                recommended=one in recommended,
            )
        )
    return [line for line in found if line.points]


def short(setting: Setting, *, threads: bool, processes: bool) -> str:
    """A setting as a direct label: only what varies."""
    if threads and processes:
        return str(setting)
    if processes:
        return plural(setting.process_count, "process")
    return "threads unset" if setting.thread_count is None else plural(setting.thread_count, "thread")


def bounds(analysis: Analysis, route: str, steps: Sequence[Measurement], vertical: Axis) -> list[list[Point]]:
    """The operational bound of each setting over the measured users, those that coincide once, within the axis."""
    demand = analysis.demands.get(route)
    if demand is None:
        return []
    fewest, most = levels(steps)[0], levels(steps)[-1]
    grid = [fewest * (most / fewest) ** (place / 96) for place in range(97)]
    found: dict[tuple[float, ...], list[Point]] = {}
    for setting, handler in dict.fromkeys((step.setting, step.handler) for step in steps):
        limits = [
            bound(demand, users=users, setting=setting, handler=handler, cores=analysis.cores).throughput
            for users in grid
        ]
        line = [Point(users=users, value=limit, text="") for users, limit in zip(grid, limits, strict=True)]
        found[tuple(round(limit, 6) for limit in limits)] = [
            point for point in line if vertical.low <= point.value <= vertical.high
        ]
    return [line for line in found.values() if line]


def figure(
    lines: Sequence[Series], dashed: Sequence[Sequence[Point]], vertical: Axis, *, users: list[int], alternative: str
) -> Html:
    """Both drawings of a chart."""
    ends = "; ".join(f"{line.label}: {line.points[-1].text}" for line in lines)
    label = f"{alternative} against concurrency, {users[0]} to {users[-1]} users. At the most users measured: {ends}."
    drawings = [
        element("div", svg(chart(lines, dashed, vertical, users, size), label=label), class_=f"drawing {size.name}")
        for size in SIZES
    ]
    return Html("".join(drawings))


def chart(
    lines: Sequence[Series], dashed: Sequence[Sequence[Point]], vertical: Axis, users: list[int], size: Size
) -> dict[str, Any]:
    """The Vega-Lite specification."""
    x, y = channels(vertical, users)
    layers = [
        *([bound_layer(dashed)] if dashed else []),
        *measured_layers(lines),
        *label_layers(labels(lines, vertical, size)),
    ]
    return styled(alt.layer(*(layer.encode(x=x, y=y) for layer in layers)), size)


def channels(vertical: Axis, users: list[int]) -> tuple[alt.X, alt.Y]:
    """Both axes, logarithmic, with ticks where something was measured."""
    x = alt.X(
        "users:Q",
        scale=alt.Scale(type="log", base=2, domain=[users[0], max(users[-1], users[0] + 1)], nice=False),
        axis=alt.Axis(
            values=users,
            title="Concurrency, users (log scale)",
            format=",d",
            grid=False,
            labelOverlap=True,
            labelFlush=False,
        ),
    )
    y = alt.Y(
        "value:Q",
        scale=alt.Scale(type="log", domain=[vertical.low, vertical.high], nice=False),
        axis=alt.Axis(
            values=vertical.ticks,
            title=vertical.title,
            labelExpr=vertical.labels,
            titleAngle=0,
            titleAlign="left",
            titleAnchor="start",
            titleX=-54,
            minExtent=54,
            titleY=-14,
        ),
    )
    return x, y


def measured_layers(lines: Sequence[Series]) -> list[alt.Chart]:
    """Lines and their points. Colours, shapes and widths are given as they are, not by a scale."""
    rows = [
        {
            "users": point.users,
            "value": point.value,
            "text": point.text,
            "series": line.label,
            "color": line.color,
            "shape": line.shape,
            "width": 3.5 if line.recommended else 1.75,
        }
        for line in lines
        for point in line.points
    ]
    base = alt.Chart(alt.InlineData(values=rows)).encode(color=alt.Color("color:N", scale=None), detail="series:N")
    return [
        base.mark_line().encode(strokeWidth=alt.StrokeWidth("width:Q", scale=None)),
        base.mark_point(filled=True, size=60, opacity=1).encode(
            shape=alt.Shape("shape:N", scale=None), description="text:N"
        ),
    ]


def bound_layer(dashed: Sequence[Sequence[Point]]) -> alt.Chart:
    """The operational bounds."""
    rows = [
        {"users": point.users, "value": point.value, "line": place}
        for place, line in enumerate(dashed)
        for point in line
    ]
    mark = alt.Chart(alt.InlineData(values=rows)).mark_line(strokeDash=[3, 3], strokeWidth=1, color="var(--bound)")
    layer: alt.Chart = mark.encode(detail="line:N")  # encode is typed Any where mark_line went before
    return layer


def label_layers(ends: Sequence[dict[str, object]]) -> list[alt.Chart]:
    """The direct labels, the recommended setting's in bold."""
    return [
        alt.Chart(alt.InlineData(values=[label for label in ends if label["recommended"] is bold]))
        .mark_text(align="left", dx=10, fontSize=12, fontWeight="bold" if bold else "normal")
        .encode(text="text:N", color=alt.Color("color:N", scale=None))
        for bold in (False, True)
    ]


def styled(layered: alt.LayerChart | alt.FacetChart, size: Size) -> dict[str, Any]:
    """The specification at a size, in the page's type and colours."""
    specification: dict[str, Any] = (
        layered.properties(
            width=size.width,
            height=size.height,
            background="transparent",
            padding={"left": 2, "top": 2, "right": 14, "bottom": 2},  # fonts wider than the one measured with
            autosize=alt.AutoSizeParams(type="fit", contains="padding"),
        )
        .configure(font="system-ui, sans-serif")
        .configure_view(stroke=None)
        .configure_axis(
            labelColor="var(--muted)",
            labelFontSize=12,
            titleColor="var(--muted)",
            titleFontSize=12,
            titleFontWeight="normal",
            titlePadding=10,
            gridColor="var(--rule)",
            domain=False,
            ticks=False,
            labelPadding=8,
        )
        .to_dict()
    )
    return specification


def labels(lines: Sequence[Series], vertical: Axis, size: Size) -> list[dict[str, object]]:
    """A direct label at the end of each line, moved apart where lines end close together."""
    height = size.height - 50  # what axis labels and title leave, roughly; only the distances rest on it
    ordered = sorted(lines, key=lambda line: vertical.height_of(line.points[-1].value, height))
    places = [vertical.height_of(line.points[-1].value, height) for line in ordered]
    return [
        {
            "users": line.points[-1].users,
            "value": vertical.at_height(place, height),
            "text": line.label,
            "color": line.color,
            "recommended": line.recommended,
        }
        for line, place in zip(ordered, apart(places, height), strict=True)
    ]


def apart(places: Sequence[float], height: float) -> list[float]:
    """Ascending places moved so that neighbours keep the label gap and the last stays within the height."""
    moved: list[float] = []
    for place in places:
        moved.append(max(place, moved[-1] + LABEL_GAP) if moved else place)
    limit = height
    for index in reversed(range(len(moved))):
        moved[index] = min(moved[index], limit)
        limit = moved[index] - LABEL_GAP
    return moved


def svg(specification: dict[str, Any], *, label: str) -> Html:
    """The drawing as an SVG element that is one image to a screen reader and scales to its place."""
    drawn = vl_convert.vegalite_to_svg(specification)
    opening = element("svg", xmlns="http://www.w3.org/2000/svg", role="img", aria_label=label, class_="chart")
    view_box = re.search(r'viewBox="[^"]*"', drawn)
    if view_box is None:
        raise RuntimeError("vl-convert drew an SVG without a viewBox")
    return Html(re.sub(r"<svg[^>]*>", opening.removesuffix("></svg>") + f" {view_box[0]}>", drawn, count=1))
