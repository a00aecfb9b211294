"""Clouds of dots: cost against latency with the Pareto front, and every repeat around its step's mean."""

from collections.abc import Mapping, Sequence

import altair as alt
import msgspec
import numpy as np

from functune.analysis.diagnosis import SAME
from functune.analysis.findings import RouteFindings
from functune.analysis.formatting import duration, number, percent, plural, rate
from functune.analysis.formatting import setting as in_words
from functune.analysis.standings import across
from functune.analysis.strategies import Candidate
from functune.measurements import Measurement, Setting
from functune.report.charts.drawing import (
    IN_MS_AND_S,
    LABEL_GAP,
    SIZES,
    Axis,
    Layers,
    Look,
    Size,
    axis,
    drawn,
    looks,
    rows,
)
from functune.report.markup import Html

ROW = 20
"""Height of a setting's row, pixels."""
SIGNED = "datum.value > 0 ? '+' + datum.value : datum.value < 0 ? '\u2212' + -datum.value : '0'"
"""Tick labels with their sign."""
NEAR_ACROSS, NEAR_DOWN = 0.2, 0.05
"""Shares of the plot within which two names would cover each other."""


def pareto_chart(findings: RouteFindings, *, currency: str) -> Html | None:
    """Cost per million requests against p95, a point per setting and users; None with fewer than two."""
    known = [one for one in findings.candidates if one.figures.cost is not None and one.figures.p95 is not None]
    if len(known) < 2:
        return None
    ways = looks(step.setting for step in findings.steps)
    generator = np.random.default_rng(0)  # for intervals that are drawn only, hence the same in every report
    named = {(one.setting, one.users) for one in findings.standings}
    points = [priced_point(one, ways[one.setting]) for one in known]
    bars = [
        error_bars(one, ways[one.setting], generator)
        for one in known
        if one in findings.front or (one.setting, one.users) in named
    ]
    across_x = axis(
        f"Cost of a million requests, {currency} (log scale)",
        [one.figures.cost or 0.0 for one in known] + spanned(bars, "cost"),
        labels="format(datum.value, ',~r')",
    )
    vertical = axis(
        "p95 latency (log scale)", [one.figures.p95 or 0.0 for one in known] + spanned(bars, "p95"), labels=IN_MS_AND_S
    )
    front = [{"cost": one.figures.cost, "value": one.figures.p95} for one in findings.front]
    words = labels(findings, across_x, vertical)
    best = "; ".join(priced_text(one) for one in findings.front)
    return drawn(
        lambda _: pareto_layers(points, bars, front, words, across_x, vertical),
        label=f"Cost per million requests against p95 latency of {len(known)} steps. Not beaten in both: {best}.",
    )


def priced_text(one: Candidate) -> str:
    """A candidate's cost and p95 in words."""
    cost, p95 = number(one.figures.cost or 0.0), duration(one.figures.p95 or 0.0)
    return f"{cost} a million, p95 {p95} · {plural(one.users, 'user')} · {in_words(one.setting)}"


def priced_point(one: Candidate, look: Look) -> dict[str, object]:
    """A candidate as a point."""
    return {
        "cost": one.figures.cost,
        "value": one.figures.p95,
        "color": look.color,
        "shape": look.shape,
        "text": priced_text(one),
    }


def error_bars(one: Candidate, look: Look, generator: np.random.Generator) -> dict[str, object]:
    """What a candidate's cost and p95 span across repeats; nothing, where it was measured once."""
    found: dict[str, object] = {"cost": one.figures.cost, "value": one.figures.p95, "color": look.color}
    for name, spread, value in (
        ("cost", across(one, lambda figures: figures.cost, generator), one.figures.cost),
        ("p95", across(one, lambda figures: figures.p95, generator), one.figures.p95),
    ):
        found[f"{name}_low"] = spread.low if spread else value
        found[f"{name}_high"] = spread.high if spread else value
    return found


def spanned(bars: Sequence[Mapping[str, object]], name: str) -> list[float]:
    """The ends of the error bars, for an axis that holds them."""
    return [float(str(bar[f"{name}_{end}"])) for bar in bars for end in ("low", "high")]


def labels(findings: RouteFindings, across_x: Axis, vertical: Axis) -> list[dict[str, object]]:
    """The names of the settings that have one, at their points; those close to one another one above the other."""
    found: list[dict[str, object]] = []
    places: list[tuple[float, float]] = []
    for one in findings.standings:
        if one.cost is None or one.p95 is None:
            continue
        place = across_x.height_of(one.cost.value, 1), vertical.height_of(one.p95.value, 1)
        near = sum(abs(place[0] - x) < NEAR_ACROSS and abs(place[1] - y) < NEAR_DOWN for x, y in places)
        places.append(place)
        found.append(
            {
                "cost": one.cost.value,
                "value": one.p95.value,
                "text": one.names[0],
                "bold": "recommended" in one.names,
                "rise": -9 - LABEL_GAP * near,
            }
        )
    return found


def pareto_layers(
    points: Sequence[Mapping[str, object]],
    bars: Sequence[Mapping[str, object]],
    front: Sequence[Mapping[str, object]],
    named: Sequence[Mapping[str, object]],
    across_x: Axis,
    vertical: Axis,
) -> Layers:
    """Front, error bars, points and names."""
    x = alt.X(
        "cost:Q",
        scale=alt.Scale(type="log", domain=[across_x.low, across_x.high], nice=False),
        axis=alt.Axis(
            values=across_x.ticks, title=across_x.title, labelExpr=across_x.labels, grid=False, labelOverlap=True
        ),
    )
    y = vertical.y()
    color = alt.Color("color:N", scale=None)
    spans = rows(bars).mark_rule(strokeWidth=1, opacity=0.55, aria=False)
    return alt.layer(
        rows(front)
        .mark_line(interpolate="step-after", strokeWidth=1.5, strokeDash=[5, 3], color="var(--ink)", aria=False)
        .encode(x=x, y=y, order="cost:Q"),
        spans.encode(x=alt.X("cost_low:Q", title=across_x.title), x2="cost_high:Q", y=y, color=color),
        spans.encode(x=x, y=alt.Y("p95_low:Q", title=vertical.title), y2="p95_high:Q", color=color),
        rows(points)
        .mark_point(filled=True, opacity=1, size=60)
        .encode(x=x, y=y, color=color, shape=alt.Shape("shape:N", scale=None), description="text:N"),
        *(
            rows([label])
            .mark_text(
                align="left",
                dx=9,
                dy=float(str(label["rise"])),
                fontSize=12,
                fontWeight="bold" if label["bold"] else "normal",
                color="var(--ink)",
                aria=False,
            )
            .encode(x=x, y=y, text="text:N")
            for label in named
        ),
    )


class Dot(msgspec.Struct, frozen=True, kw_only=True):
    """One repeat of one step."""

    step: Measurement
    deviation: float
    """Throughput over the mean of the step's repeats less 1."""


def deviations(repeats: Sequence[Measurement]) -> list[Dot]:
    """Every repeat of the steps that were measured more than once and served something, around their mean."""
    groups: dict[tuple[Setting, int], list[Measurement]] = {}
    for step in repeats:
        groups.setdefault((step.setting, step.users), []).append(step)
    found = []
    for group in groups.values():
        mean = sum(step.throughput for step in group) / len(group)
        if len(group) > 1 and mean > 0:
            found += [Dot(step=step, deviation=step.throughput / mean - 1) for step in group]
    return found


def repeat_chart(findings: RouteFindings) -> Html | None:
    """Every repeat as a dot, a row per setting; None where each step was measured once."""
    dots = deviations(findings.repeats)
    if not dots:
        return None
    ways = looks(step.setting for step in findings.steps)
    order = [look.label for setting, look in ways.items() if any(dot.step.setting == setting for dot in dots)]
    points = [
        {
            "setting": ways[dot.step.setting].label,
            "deviation": dot.deviation * 100,
            "color": ways[dot.step.setting].color,
            "text": (
                f"{dot.deviation * 100:+.1f} % · {rate(dot.step.throughput)} · {plural(dot.step.users, 'user')} · "
                f"repeat {dot.step.repeat + 1}"
            ),
        }
        for dot in dots
    ]
    widest = max(abs(dot.deviation) for dot in dots)
    reach = max(widest, 1.5 * SAME) * 100 * 1.1
    sizes = [Size(size.width, ROW * len(order) + 60, size.name) for size in SIZES]
    beyond = sum(abs(dot.deviation) > SAME for dot in dots)
    return drawn(
        lambda _: repeat_layers(points, order, reach),
        label=(
            f"Throughput of {len(dots)} repeats against the mean of their step: at most {percent(widest)} away, "
            f"{beyond} beyond {percent(SAME)}."
        ),
        sizes=sizes,
    )


def repeat_layers(points: Sequence[Mapping[str, object]], order: Sequence[str], reach: float) -> Layers:
    """The margin within which settings tie, and the dots."""
    x = alt.X(
        "deviation:Q",
        scale=alt.Scale(domain=[-reach, reach], nice=False),
        axis=alt.Axis(
            title="Throughput against the mean of its step, %",
            labelExpr=SIGNED,
            tickCount=5,
            grid=True,
            labelOverlap=True,
        ),
    )
    y = alt.Y("setting:N", sort=list(order), scale=alt.Scale(domain=list(order)), axis=alt.Axis(title=None))
    margin = alt.Chart(alt.InlineData(values=[{"deviation": -SAME * 100, "high": SAME * 100}]))
    return alt.layer(
        margin.mark_rect(color="var(--hatch)", aria=False).encode(x=x, x2="high:Q"),
        rows(points)
        .mark_point(filled=True, opacity=1, size=30)
        .encode(
            x=x,
            y=y,
            color=alt.Color("color:N", scale=None),
            description="text:N",
        ),
    )
