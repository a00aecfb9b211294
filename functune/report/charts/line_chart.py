"""What changes with the load: throughput with its law and bounds, latency with the objective, and the open loop."""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import altair as alt
import msgspec

from functune.analysis import objective
from functune.analysis.bounds import Demand, bound
from functune.analysis.findings import RouteFindings
from functune.analysis.formatting import duration, load, plural, rate
from functune.analysis.formatting import setting as in_words
from functune.analysis.statistics import percentile
from functune.analysis.usl import Fit
from functune.experiments import Experiment
from functune.measurements import Handler, Measurement, Setting
from functune.report.charts.drawing import IN_MS_AND_S, Axis, Layers, Look, Size, apart, axis, drawn, looks, rows
from functune.report.markup import Html

CURVE_POINTS = 24
"""Places a curve is computed at."""
LABELS = 14
"""Most direct labels of a chart; with more lines only the recommended one and the highest are named."""
SHADED = 3
"""Most curves with their interval: more shades would hide one another."""


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """A point of a line; one that was measured has a text, which hovering shows."""

    x: float
    value: float
    text: str = ""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """What is drawn of a setting."""

    label: str
    look: Look
    points: tuple[Point, ...]
    """Measured."""
    curve: tuple[Point, ...]
    """What goes through them: the law, or the points themselves."""
    band: tuple[tuple[float, float, float], ...] = ()
    """The interval of the curve: x, low, high."""
    bold: bool = False
    dashed: bool = False


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """A line to be seen against: a bound, or an objective."""

    points: tuple[Point, ...]
    label: str = ""


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """A chart of lines over the load."""

    lines: tuple[Line, ...]
    limits: tuple[Limit, ...]
    vertical: Axis
    horizontal: str
    """Title of the horizontal axis."""
    ticks: tuple[float, ...]
    """Where something was measured, ascending."""
    logarithmic: bool


def throughput_chart(findings: RouteFindings, demand: Demand | None, *, cores: float | None) -> Html | None:
    """Throughput against concurrency: points, law and its interval, operational bounds; None when nothing succeeded."""
    steps = [step for step in findings.steps if step.throughput]
    if not steps:
        return None
    ways = looks(step.setting for step in findings.steps)
    lines = [throughput_line(findings, setting, ways[setting], steps) for setting in ways]
    lines = [line for line in lines if line.points]
    vertical = axis("Requests/s (log scale)", values(lines), labels="format(datum.value, ',~r')")
    users = levels(steps)
    chart = Chart(
        lines=tuple(shaded_only(lines)),
        limits=bounds(steps, demand, users, vertical, cores) if demand else (),
        vertical=vertical,
        horizontal="Concurrency, users (log scale)",
        ticks=users,
        logarithmic=True,
    )
    return figure(chart, f"Throughput against concurrency, {users[0]:g} to {users[-1]:g} users.")


def throughput_line(findings: RouteFindings, setting: Setting, look: Look, steps: Sequence[Measurement]) -> Line:
    """The throughput of one setting, with its law where it has one."""
    points = tuple(
        Point(
            x=step.users,
            value=step.throughput,
            text=f"{rate(step.throughput)} · {plural(step.users, 'user')} · {in_words(setting)}",
        )
        for step in steps
        if step.setting == setting
    )
    law = findings.curves.get(setting)
    grid = logarithmic(points[0].x, points[-1].x) if isinstance(law, Fit) and points else []
    bands = [(users, law.band(users)) for users in grid] if isinstance(law, Fit) else []
    return Line(
        label=look.label,
        look=look,
        points=points,
        curve=tuple(Point(x=users, value=law.curve.throughput(users)) for users in grid)
        if isinstance(law, Fit)
        else points,
        band=tuple((users, band.low, band.high) for users, band in bands if band is not None),
        bold=findings.recommended is not None and setting == findings.recommended.setting,
    )


def shaded_only(lines: Sequence[Line]) -> list[Line]:
    """The lines, with the interval of the recommended and the highest ones only."""
    ranked = sorted(lines, key=lambda line: (not line.bold, -line.points[-1].value))[:SHADED]
    return [line if line in ranked else msgspec.structs.replace(line, band=()) for line in lines]


def logarithmic(low: float, high: float, places: int = CURVE_POINTS) -> list[float]:
    """So many values from low to high, in equal ratios."""
    return [low * (high / low) ** (place / (places - 1)) for place in range(places)]


def bounds(
    steps: Sequence[Measurement],
    demand: Demand,
    users: Sequence[float],
    vertical: Axis,
    cores: float | None,
) -> tuple[Limit, ...]:
    """The operational bound of each setting over the measured users, those that coincide once, within the axis."""
    found: dict[tuple[float, ...], Limit] = {}
    for setting, handler in dict.fromkeys((step.setting, step.handler) for step in steps):
        corners = bound_corners(demand, setting, handler, cores, low=users[0], high=users[-1])
        inside = tuple(clipped(corners, vertical))
        if len(inside) > 1:
            found[tuple(round(value, 6) for corner in corners for value in (corner.x, corner.value))] = Limit(
                points=inside
            )
    return tuple(found.values())


def bound_corners(
    demand: Demand, setting: Setting, handler: Handler | None, cores: float | None, *, low: float, high: float
) -> list[Point]:
    """The bound is N / S up to what the setting serves at most, then level: its ends, and the corner if between."""

    def at(users: float) -> float:
        return bound(demand, users=users, setting=setting, handler=handler, cores=cores).throughput

    corner = at(math.inf) * demand.service
    places = [low, corner, high] if low < corner < high else [low, high]
    return [Point(x=users, value=at(users)) for users in places]


def clipped(corners: Sequence[Point], vertical: Axis) -> list[Point]:
    """A rising line of log x and log y, cut to the axis."""
    found = [corner for corner in corners if vertical.low <= corner.value <= vertical.high]
    for place, edge in ((0, vertical.low), (-1, vertical.high)):
        for one, other in pairwise(corners):
            if one.value < edge < other.value:
                share = math.log(edge / one.value) / math.log(other.value / one.value)
                crossing = Point(x=one.x * (other.x / one.x) ** share, value=edge)
                found = [crossing, *found] if place == 0 else [*found, crossing]
    return found


def latency_chart(findings: RouteFindings, experiment: Experiment) -> Html | None:
    """p95 of every setting against concurrency, and p50 and p99 of the recommended one; None where none has a p95."""
    ways = looks(step.setting for step in findings.steps)
    chosen = findings.recommended.setting if findings.recommended else None
    lines = [
        percentile_line(
            findings.steps,
            setting,
            look,
            0.95,
            x=lambda step: step.users,
            label="p95" if len(ways) == 1 else None,
            bold=setting == chosen,
        )
        for setting, look in ways.items()
    ]
    if chosen is not None:
        lines += [
            percentile_line(
                findings.steps, chosen, ways[chosen], q, x=lambda step: step.users, label=f"p{round(q * 100)}"
            )
            for q in (0.5, 0.99)
        ]
    lines = [line for line in lines if line.points]
    if not any(not line.dashed for line in lines):
        return None
    users = levels(findings.steps)
    return latency_figure(
        lines,
        experiment,
        ticks=users,
        horizontal="Concurrency, users (log scale)",
        log=True,
        alternative=f"95th percentile of latency against concurrency, {users[0]:g} to {users[-1]:g} users.",
    )


def arrivals_chart(findings: RouteFindings, experiment: Experiment) -> Html | None:
    """p50, p95 and p99 against the rate of arrivals; None where none were measured."""
    ways = looks(step.setting for step in findings.steps or findings.arrivals)
    chosen = findings.recommended.setting if findings.recommended else None
    lines = [
        percentile_line(
            findings.arrivals,
            setting,
            look,
            q,
            x=lambda step: step.arrival_rate or 0.0,
            label=look.label if q == 0.95 else f"p{round(q * 100)} {look.label}",
            bold=setting == chosen and q == 0.95,
        )
        for setting, look in ways.items()
        for q in (0.5, 0.95, 0.99)
    ]
    lines = [line for line in lines if line.points]
    if not lines:
        return None
    rates = tuple(sorted({step.arrival_rate or 0.0 for step in findings.arrivals}))
    return latency_figure(
        lines,
        experiment,
        ticks=rates,
        horizontal="Arrivals/s",
        log=False,
        alternative=f"Latency from the intended sending against arrivals, {rate(rates[0])} to {rate(rates[-1])}.",
    )


def percentile_line(
    steps: Sequence[Measurement],
    setting: Setting,
    look: Look,
    q: float,
    *,
    x: Callable[[Measurement], float],
    label: str | None = None,
    bold: bool = False,
) -> Line:
    """One percentile of one setting; every other than p95 is dashed."""
    measured = [
        (step, found / 1e6)
        for step in steps
        if step.setting == setting and (found := percentile(step.latencies_us, q)) is not None
    ]
    points = tuple(
        Point(x=x(step), value=value, text=f"p{round(q * 100)} {duration(value)} · {load(step)} · {in_words(setting)}")
        for step, value in measured
    )
    return Line(label=label or look.label, look=look, points=points, curve=points, bold=bold, dashed=q != 0.95)


def latency_figure(
    lines: Sequence[Line],
    experiment: Experiment,
    *,
    ticks: Sequence[float],
    horizontal: str,
    log: bool,
    alternative: str,
) -> Html:
    """A chart of latencies with the objective's limits, if the experiment has one."""
    limits = objective_limits(experiment)
    known = [*values(lines), *(value for value, _ in limits)]
    ends = (ticks[0], max(ticks[-1], ticks[0] * 1.01))
    chart = Chart(
        lines=tuple(lines),
        limits=tuple(
            Limit(points=tuple(Point(x=end, value=value) for end in ends), label=label) for value, label in limits
        ),
        vertical=axis("Latency (log scale)", known, labels=IN_MS_AND_S),
        horizontal=horizontal,
        ticks=tuple(ticks),
        logarithmic=log,
    )
    return figure(chart, alternative)


def objective_limits(experiment: Experiment) -> list[tuple[float, str]]:
    """The limits on latency that the objective states, seconds, each with its words."""
    if not experiment.objective:
        return []
    conditions = objective.parse(experiment.objective).conditions
    return [(each.limit, str(each)) for each in conditions if each.metric in objective.QUANTILES]


def values(lines: Sequence[Line]) -> list[float]:
    """Every measured value of a chart."""
    return [point.value for line in lines for point in line.points]


def levels(steps: Sequence[Measurement]) -> tuple[float, ...]:
    """The numbers of users measured, ascending."""
    return tuple(sorted({step.users for step in steps}))


def figure(chart: Chart, alternative: str) -> Html:
    """Both drawings of a chart; its name for a screen reader says where each line ends."""
    ends = "; ".join(f"{line.label}: {line.points[-1].text}" for line in chart.lines)
    return drawn(lambda size: layered(chart, size), label=f"{alternative} At the highest load measured: {ends}.")


def layered(chart: Chart, size: Size) -> Layers:
    """The chart at a size, bands lowest and labels on top."""
    x, y = horizontal(chart), chart.vertical.y()
    layers = [
        *bands(chart.lines),
        *limits(chart, size),
        *measured(chart.lines),
        *labels(direct_labels(chart, size)),
    ]
    return alt.layer(*(layer.encode(x=x, y=y) for layer in layers))


def horizontal(chart: Chart) -> alt.X:
    """The horizontal axis, with ticks where something was measured."""
    low, high = chart.ticks[0], max(chart.ticks[-1], chart.ticks[0] * 1.01)
    scale = (
        alt.Scale(type="log", base=2, domain=[low, max(high, low + 1)], nice=False)
        if chart.logarithmic
        else alt.Scale(domain=[low, high], nice=False, zero=False)
    )
    return alt.X(
        "x:Q",
        scale=scale,
        axis=alt.Axis(
            values=list(chart.ticks),
            title=chart.horizontal,
            format=",~r",
            grid=False,
            labelOverlap=True,
            labelFlush=False,
        ),
    )


def bands(lines: Sequence[Line]) -> list[alt.Chart]:
    """The intervals of the curves."""
    data = [
        {"x": x, "value": low, "high": high, "series": line.label, "color": line.look.color}
        for line in lines
        for x, low, high in line.band
    ]
    if not data:
        return []
    area = rows(data).mark_area(opacity=0.18, aria=False)
    return [area.encode(y2="high:Q", detail="series:N", fill=alt.Fill("color:N", scale=None))]


def limits(chart: Chart, size: Size) -> list[alt.Chart]:
    """Bounds and objectives, the latter with their words."""
    data = [
        {"x": point.x, "value": point.value, "line": place}
        for place, limit in enumerate(chart.limits)
        for point in limit.points
    ]
    if not data:
        return []
    dashed = rows(data).mark_line(strokeDash=[3, 3], strokeWidth=1, color="var(--bound)", aria=False)
    named = [
        {"x": limit.points[0].x, "value": limit.points[0].value, "text": limit.label}
        for limit in chart.limits
        if limit.label
    ]
    words = rows(named).mark_text(align="left", dx=4, dy=-6, fontSize=12, color="var(--muted)", aria=False)
    return [dashed.encode(detail="line:N"), *([words.encode(text="text:N")] if named else [])]


def measured(lines: Sequence[Line]) -> list[alt.Chart]:
    """Curves and points. Colours, shapes and widths are given as they are, not by a scale."""
    found = []
    for dashed in (True, False):
        several = [line for line in lines if line.dashed is dashed]
        data = [
            {
                "x": point.x,
                "value": point.value,
                "series": line.label,
                "color": line.look.color,
                "width": 3.5 if line.bold else 1.25 if dashed else 1.75,
            }
            for line in several
            for point in line.curve
        ]
        mark = rows(data).mark_line(aria=False, strokeDash=[5, 3] if dashed else [])
        if data:
            found.append(
                mark.encode(
                    color=alt.Color("color:N", scale=None),
                    detail="series:N",
                    strokeWidth=alt.StrokeWidth("width:Q", scale=None),
                )
            )
    points = [
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
    dots = rows(points).mark_point(filled=True, opacity=1)
    found.append(
        dots.encode(
            color=alt.Color("color:N", scale=None),
            shape=alt.Shape("shape:N", scale=None),
            size=alt.Size("size:Q", scale=None),
            description="text:N",
        )
    )
    return found


def labels(ends: Sequence[Mapping[str, object]]) -> list[alt.Chart]:
    """The direct labels, the recommended setting's in bold."""
    return [
        rows([label for label in ends if label["bold"] is bold])
        .mark_text(align="left", dx=10, fontSize=12, fontWeight="bold" if bold else "normal", aria=False)
        .encode(text="text:N", color=alt.Color("color:N", scale=None))
        for bold in (False, True)
        if any(label["bold"] is bold for label in ends)
    ]


def direct_labels(chart: Chart, size: Size) -> list[dict[str, object]]:
    """A label at the end of each line, moved apart where lines end close together."""
    height = size.height - 50  # what axis labels and title leave, roughly; only the distances rest on it
    ranked = sorted(chart.lines, key=lambda line: (not line.bold, line.dashed, -line.points[-1].value))[:LABELS]
    ordered = sorted(ranked, key=lambda line: chart.vertical.height_of(line.points[-1].value, height))
    places = [chart.vertical.height_of(line.points[-1].value, height) for line in ordered]
    return [
        {
            "x": line.points[-1].x,
            "value": chart.vertical.at_height(place, height),
            "text": line.label,
            "color": line.look.color,
            "bold": line.bold,
        }
        for line, place in zip(ordered, apart(places, height), strict=True)
    ]
