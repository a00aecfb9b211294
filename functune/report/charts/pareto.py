"""Cost against latency: a point per setting and number of users, and the Pareto front."""

from collections.abc import Mapping, Sequence

import msgspec

from functune.analysis.experiment import SubjectFindings
from functune.analysis.numbers.levels import Level
from functune.analysis.numbers.repeats import Spread
from functune.formatting import duration, joined, number, plural
from functune.plans.registry import price_for
from functune.report.charts.axes import IN_MS_AND_S, WITH_SEPARATORS, LogAxis, log_axis
from functune.report.charts.drawing import NARROW, Drawing, Margins, drawing
from functune.report.charts.figure import Chart, ChartFigure, ChartInput
from functune.report.charts.labels import LABEL_GAP, label_width
from functune.report.charts.looks import Look, looks
from functune.report.charts.vega import Specification, category, literal, mark_layer, quantity

NAME_OFFSET = 9
"""From a point across to its name, pixels."""
NAME_RISE = 9
"""From a point up to its name, pixels."""
NEAR_ACROSS = 0.2
"""Share of the plot's width within which two names would cover each other."""


class ParetoAxes(msgspec.Struct, frozen=True, kw_only=True):
    """Cost across, p95 down."""

    cost: LogAxis
    p95: LogAxis


def pareto_figure(chart: ChartInput) -> ChartFigure | None:
    """Cost against latency; None with fewer than two steps that have a p95."""
    drawn = pareto_drawing(chart.subject, currency=chart.currency)
    if drawn is None:
        return None
    price = price_for(chart.findings.experiment.priced_memory_mb)
    instances = joined(list(dict.fromkeys(price.instance(one.setting) for one in chart.subject.levels)))
    note = (
        f"A point per setting and number of users. The cost is that of a busy instance ({instances}) "
        "with this machine's throughput: use it to compare settings, not to budget. No point beats one on the dashed "
        "line in both cost and p95."
    )
    bars = " Bars: the spread over repeats." if any(len(one.repeats) > 1 for one in chart.subject.levels) else ""
    return ChartFigure(title=pareto_finding(chart.subject, currency=chart.currency), note=note + bars, drawing=drawn)


CHART = Chart(figure=pareto_figure, width="half", place=1)


def pareto_finding(subject: SubjectFindings, *, currency: str) -> str:
    """The finding of the cost chart: the ends of the front, or the one setting that is best in both."""
    front = subject.front_levels
    cheapest, quickest = front[0], front[-1]
    cost, p95 = number(cheapest.figures.cost or 0.0), duration(cheapest.figures.p95 or 0.0)
    if cheapest is quickest:
        best = f"{cheapest.setting.in_words} at {plural(cheapest.users, 'user')}"
        return f"{best} is both cheapest and quickest"
    return (
        f"From {cost} {currency} a million at a p95 of {p95} to {number(quickest.figures.cost or 0.0)} at "
        f"{duration(quickest.figures.p95 or 0.0)}"
    )


def pareto_drawing(subject: SubjectFindings, *, currency: str) -> Drawing | None:
    """The points, the front, and the spread of the points on it or with a name; None with fewer than two points."""
    front_levels = subject.front_levels
    known = [
        one
        for one in subject.levels
        if one.figures.worked and one.figures.cost is not None and one.figures.p95 is not None
    ]
    if len(known) < 2:
        return None
    look_of = looks(level.setting for level in subject.levels)
    named = {(one.setting, one.users) for one in subject.standings}
    points = [priced_point(one, look_of[one.setting]) for one in known]
    bars = [
        spread_bars(one, look_of[one.setting])
        for one in known
        if one in front_levels or (one.setting, one.users) in named
    ]
    axes = ParetoAxes(
        cost=log_axis(
            f"Cost of a million requests, {currency} (log scale)",
            [one.figures.cost or 0.0 for one in known] + bar_ends(bars, "cost"),
            tick_labels=WITH_SEPARATORS,
        ),
        p95=log_axis(
            "p95 latency (log scale)",
            [one.figures.p95 or 0.0 for one in known] + bar_ends(bars, "p95"),
            tick_labels=IN_MS_AND_S,
        ),
    )
    front = [{"cost": one.figures.cost, "value": one.figures.p95} for one in front_levels]
    best = "; ".join(priced_in_words(one) for one in front_levels)
    return drawing(
        lambda height: pareto_layers(points, bars, front, setting_names(subject, axes, height), axes),
        f"Cost per million requests against p95 latency of {len(known)} steps. On the Pareto front: {best}.",
        margins=Margins(right=right_margin(setting_names(subject, axes, height=1), axes)),
    )


def priced_in_words(one: Level) -> str:
    """A level's cost and p95 in words."""
    cost, p95 = number(one.figures.cost or 0.0), duration(one.figures.p95 or 0.0)
    return f"{cost} a million, p95 {p95} · {plural(one.users, 'user')} · {one.setting.in_words}"


def priced_point(one: Level, look: Look) -> dict[str, object]:
    """A level as a point."""
    return {
        "cost": one.figures.cost,
        "value": one.figures.p95,
        "color": look.color,
        "shape": look.shape,
        "text": priced_in_words(one),
    }


def spread_bars(one: Level, look: Look) -> dict[str, object]:
    """The spread of a level's cost and p95 over its repeats; of length 0 for a single repeat."""
    found: dict[str, object] = {"cost": one.figures.cost, "value": one.figures.p95, "color": look.color}
    for name, spread, value in (
        ("cost", one.cost_spread, one.figures.cost),
        ("p95", one.p95_spread, one.figures.p95),
    ):
        found[f"{name}_low"], found[f"{name}_high"] = spread_ends(spread, value)
    return found


def spread_ends(spread: Spread | None, value: float | None) -> tuple[float | None, float | None]:
    """Both ends of a spread; the value itself where there is none."""
    return (spread.low, spread.high) if spread else (value, value)


def bar_ends(bars: Sequence[Mapping[str, object]], name: str) -> list[float]:
    """The ends of the bars of "cost" or "p95", for an axis that contains them."""
    return [float(str(bar[f"{name}_{end}"])) for bar in bars for end in ("low", "high")]


def setting_names(subject: SubjectFindings, axes: ParetoAxes, height: float) -> list[dict[str, object]]:
    """The name of each setting that has one, above its point; names that would cover another stand above it."""
    found: list[dict[str, object]] = []
    taken: list[tuple[float, float]] = []
    points = [(one, one.cost.value, one.p95.value) for one in subject.standings if one.cost and one.p95]
    for one, cost, p95 in sorted(points, key=lambda point: point[2]):  # the lowest first: names are moved upwards
        across, down = axes.cost.distance_of(cost, 1), axes.p95.distance_of(p95, height)
        place = down - NAME_RISE
        for other, below in taken:
            if abs(across - other) < NEAR_ACROSS and abs(place - below) < LABEL_GAP:
                place = below - LABEL_GAP
        taken.append((across, place))
        found.append(
            {
                "cost": cost,
                "value": p95,
                "text": one.names[0],
                "bold": "recommended" in one.names,
                "rise": place - down,
            }
        )
    return found


def right_margin(names: Sequence[Mapping[str, object]], axes: ParetoAxes) -> float:
    """Room for the names that reach beyond the plot of the narrow drawing, pixels."""
    plot = NARROW.width - Margins().left - Margins().right
    needed = [
        NAME_OFFSET + label_width(str(name["text"])) - axes.cost.distance_of(float(str(name["cost"])), plot)
        for name in names
    ]
    return max([*needed, 0]) + 14


def pareto_layers(
    points: Sequence[Mapping[str, object]],
    bars: Sequence[Mapping[str, object]],
    front: Sequence[Mapping[str, object]],
    names: Sequence[Mapping[str, object]],
    axes: ParetoAxes,
) -> list[Specification]:
    """Front, bars, points and names."""
    place = {"x": axes.cost.horizontal("cost"), "y": axes.p95.vertical()}
    color = literal("color")
    across = {
        **place,
        "x": quantity("cost_low", title=axes.cost.title),
        "x2": {"field": "cost_high"},
        "color": color,
    }
    down = {**place, "y": quantity("p95_low", title=axes.p95.title), "y2": {"field": "p95_high"}, "color": color}
    return [
        front_layer(front, place, cost="cost"),
        *(mark_layer(bars, "rule", each, strokeWidth=1, opacity=0.55, aria=False) for each in (across, down)),
        mark_layer(
            points,
            "point",
            {**place, "color": color, "shape": literal("shape"), "description": category("text")},
            filled=True,
            opacity=1,
            size=60,
        ),
        *(name_layer(name, place) for name in names),
    ]


def front_layer(front: Sequence[Mapping[str, object]], place: Specification, *, cost: str) -> Specification:
    """The points that nothing beats in both cost and latency, joined by steps; ``cost`` is the field of the cost."""
    return mark_layer(
        front,
        "line",
        {**place, "order": quantity(cost)},
        interpolate="step-after",
        strokeWidth=1.5,
        strokeDash=[5, 3],
        color="var(--ink)",
        aria=False,
    )


def name_layer(name: Mapping[str, object], place: Specification) -> Specification:
    """The name of one setting; each has its own rise above its point, which is a property of the mark."""
    return mark_layer(
        [name],
        "text",
        {**place, "text": category("text")},
        align="left",
        dx=NAME_OFFSET,
        dy=name["rise"],
        fontSize=12,
        fontWeight="bold" if name["bold"] else "normal",
        color="var(--ink)",
        aria=False,
    )
