"""Throughput against concurrency: points, the law through them with its interval, and the operational bounds."""

import math
from collections.abc import Sequence
from itertools import pairwise

import msgspec

from functune.analysis.experiment import SubjectFindings
from functune.analysis.laws.bounds import Demand, bound
from functune.analysis.numbers.levels import Level
from functune.formatting import number, plural, rate
from functune.report.charts.axes import WITH_SEPARATORS, LogAxis, log_axis
from functune.report.charts.drawing import Drawing
from functune.report.charts.figure import Chart, ChartFigure, ChartInput
from functune.report.charts.line_chart import (
    USERS_TITLE,
    Guide,
    Line,
    LineChart,
    Point,
    line_drawing,
    measured_values,
)
from functune.report.charts.looks import Look, looks
from functune.run.measurement import Handler
from functune.setting import Setting

CURVE_POINTS = 24
"""Places a curve is computed at."""
MOST_BANDS = 3
"""Most curves with their interval: more would hide one another."""


def throughput_figure(chart: ChartInput) -> ChartFigure | None:
    """Throughput against concurrency; None where no request succeeded."""
    subject = chart.subject
    drawn = throughput_drawing(subject, cores=chart.findings.cores)
    if drawn is None:
        return None
    bounded = " Dashed: the upper bound, from one user's CPU time and waiting time." if subject.demand else ""
    note = f"Successful requests per second; the recommended setting is bold.{bounded} {laws_in_words(subject)}"
    return ChartFigure(title=throughput_finding(subject), note=note.strip(), drawing=drawn)


CHART = Chart(figure=throughput_figure, width="half", place=2)


def throughput_finding(subject: SubjectFindings) -> str:
    """The finding of the throughput chart."""
    recommended = subject.recommended
    if recommended is None:
        return "No setting answered reliably"
    best = recommended.best
    slowest = min(recommended.evidence, key=lambda each: each.throughput)
    if len(recommended.evidence) == 1:
        return f"Throughput reaches {rate(best.throughput)}"
    if len(recommended.ties) == len(recommended.evidence):
        return f"Every setting reaches about {rate(best.throughput)}"
    return (
        f"{rate(best.throughput)} with {best.setting.in_words}, "
        f"{number(best.throughput / slowest.throughput)} times {slowest.setting.in_words}"
    )


def laws_in_words(subject: SubjectFindings) -> str:
    """Which lines are the Universal Scalability Law, where they peak, and why others are not."""
    fits = [law.fit for law in subject.laws if law.fit is not None]
    refused = [law for law in subject.laws if law.refused is not None]
    chosen = subject.law(subject.recommended.setting) if subject.recommended else None
    sentences = []
    if fits:
        shade = ", shaded with its 95 % interval" if any(fit.band for fit in fits) else ""
        sentences.append(f"Curves are the Universal Scalability Law{shade}.")
    if chosen is not None and chosen.fit is not None:
        sentences.append(f"The recommended setting: {chosen.fit.peak_in_words}.")
    if chosen is not None and chosen.refused is not None:
        sentences.append(f"The recommended setting has no curve ({chosen.refused}).")
    others = sum(law is not chosen for law in refused)
    if others:
        sentences.append(
            f"Straight lines join the points of {plural(others, 'other setting')} that the law does not fit."
        )
    return " ".join(sentences)


def throughput_drawing(subject: SubjectFindings, *, cores: float | None) -> Drawing | None:
    """The lines of every setting; None where no request succeeded."""
    steps = [level for level in subject.levels if level.throughput]
    if not steps:
        return None
    look_of = looks(level.setting for level in subject.levels)
    lines = [throughput_line(subject, setting, look, steps) for setting, look in look_of.items()]
    lines = [line for line in lines if line.points]
    vertical = log_axis("Requests/s (log scale)", measured_values(lines), tick_labels=WITH_SEPARATORS)
    users = tuple(sorted({step.users for step in steps}))
    chart = LineChart(
        lines=tuple(with_few_bands(lines)),
        guides=bound_guides(steps, subject.demand, users, vertical, cores) if subject.demand else (),
        vertical=vertical,
        horizontal_title=USERS_TITLE,
        ticks=users,
        logarithmic=True,
    )
    return line_drawing(chart, f"Throughput against concurrency, {users[0]:g} to {users[-1]:g} users.")


def throughput_line(subject: SubjectFindings, setting: Setting, look: Look, steps: Sequence[Level]) -> Line:
    """The throughput of one setting, with its law where it has one."""
    points = tuple(
        Point(
            x=step.users,
            value=step.throughput,
            text=f"{rate(step.throughput)} · {plural(step.users, 'user')} · {setting.in_words}",
        )
        for step in steps
        if step.setting == setting
    )
    law = subject.law(setting)
    bold = subject.recommended is not None and setting == subject.recommended.setting
    fit = law.fit if law is not None else None
    if fit is None or not points:
        return Line(label=look.label, look=look, points=points, curve=points, bold=bold)
    places = equal_ratios(points[0].x, points[-1].x)
    return Line(
        label=look.label,
        look=look,
        points=points,
        curve=tuple(Point(x=users, value=fit.curve.throughput(users)) for users in places),
        band=fit.band,
        bold=bold,
    )


def with_few_bands(lines: Sequence[Line]) -> list[Line]:
    """The lines, with the interval of the recommended and the highest ones only."""
    ranked = sorted(lines, key=lambda line: (not line.bold, -line.points[-1].value))[:MOST_BANDS]
    return [line if line in ranked else msgspec.structs.replace(line, band=()) for line in lines]


def equal_ratios(low: float, high: float, places: int = CURVE_POINTS) -> list[float]:
    """Values from low to high, each the same number of times the one before."""
    return [low * (high / low) ** (place / (places - 1)) for place in range(places)]


def bound_guides(
    steps: Sequence[Level], demand: Demand, users: Sequence[float], vertical: LogAxis, cores: float | None
) -> tuple[Guide, ...]:
    """The operational bound of each setting over the measured users, cut to the axis; equal ones once."""
    found: dict[tuple[float, ...], Guide] = {}
    for setting, handler in dict.fromkeys((step.setting, step.handler) for step in steps):
        corners = bound_corners(demand, setting, handler, cores, low=users[0], high=users[-1])
        inside = tuple(cut_to_axis(corners, vertical))
        if len(inside) > 1:
            found[tuple(round(value, 6) for corner in corners for value in (corner.x, corner.value))] = Guide(
                points=inside
            )
    return tuple(found.values())


def bound_corners(
    demand: Demand, setting: Setting, handler: Handler | None, cores: float | None, *, low: float, high: float
) -> list[Point]:
    """The bound is N / S up to the most the setting serves, then level: its ends, and its corner if between."""

    def at(users: float) -> float:
        return bound(demand, users=users, setting=setting, handler=handler, cores=cores).throughput

    corner = at(math.inf) * demand.service
    places = [low, corner, high] if low < corner < high else [low, high]
    return [Point(x=users, value=at(users)) for users in places]


def cut_to_axis(corners: Sequence[Point], vertical: LogAxis) -> list[Point]:
    """A rising line, straight in log x and log y, without the parts outside the axis."""
    found = [corner for corner in corners if vertical.low <= corner.value <= vertical.high]
    for place, edge in ((0, vertical.low), (-1, vertical.high)):
        for one, other in pairwise(corners):
            if one.value < edge < other.value:
                share = math.log(edge / one.value) / math.log(other.value / one.value)
                crossing = Point(x=one.x * (other.x / one.x) ** share, value=edge)
                found = [crossing, *found] if place == 0 else [*found, crossing]
    return found
