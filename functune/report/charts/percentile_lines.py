"""Percentiles of latency as lines over the load: what the charts of latency and of arrivals share."""

from collections.abc import Callable, Sequence

from functune.analysis.numbers.levels import Level
from functune.analysis.search import objective
from functune.experiments.model import Experiment
from functune.formatting import duration, joined
from functune.report.charts.axes import IN_MS_AND_S, log_axis
from functune.report.charts.drawing import Drawing
from functune.report.charts.line_chart import Guide, Line, LineChart, Point, line_drawing, measured_values
from functune.report.charts.looks import Look
from functune.setting import Setting


def latency_percentile(level: Level, q: float) -> float | None:
    """The p50, p95 or p99 of latency, seconds; None where the level has too few requests to bound it."""
    return {0.5: level.figures.p50, 0.95: level.figures.p95, 0.99: level.figures.p99}[q]


def percentile_line(
    steps: Sequence[Level],
    setting: Setting,
    look: Look,
    q: float,
    *,
    x: Callable[[Level], float],
    label: str | None = None,
    bold: bool = False,
) -> Line:
    """One percentile of one setting; all but p95 are dashed."""
    known = [
        (step, value)
        for step in steps
        if step.setting == setting and (value := latency_percentile(step, q)) is not None
    ]
    points = tuple(
        Point(
            x=x(step),
            value=value,
            text=f"p{round(q * 100)} {duration(value)} · {step.load_in_words} · {setting.in_words}",
        )
        for step, value in known
    )
    return Line(label=label or look.label, look=look, points=points, curve=points, bold=bold, dashed=q != 0.95)


def percentile_drawing(
    lines: Sequence[Line],
    experiment: Experiment,
    subject: str,
    *,
    ticks: Sequence[float],
    horizontal_title: str,
    logarithmic: bool,
) -> Drawing:
    """The lines with the objective's limits, if the experiment has any."""
    limits = latency_limits(experiment)
    shown = [*measured_values(lines), *(value for value, _ in limits)]
    ends = (ticks[0], max(ticks[-1], ticks[0] * 1.01))
    chart = LineChart(
        lines=tuple(lines),
        guides=tuple(
            Guide(points=tuple(Point(x=end, value=value) for end in ends), label=label) for value, label in limits
        ),
        vertical=log_axis("Latency (log scale)", shown, tick_labels=IN_MS_AND_S),
        horizontal_title=horizontal_title,
        ticks=tuple(ticks),
        logarithmic=logarithmic,
    )
    return line_drawing(chart, subject)


def latency_limits(experiment: Experiment) -> list[tuple[float, str]]:
    """The objective's limits on latency, seconds, each with its words."""
    if not experiment.objective:
        return []
    conditions = objective.parse_objective(experiment.objective).conditions
    return [(each.limit, str(each)) for each in conditions if each.metric in objective.QUANTILES]


def limits_in_words(experiment: Experiment) -> str:
    """The sentence about the dotted lines; empty where the objective limits no latency."""
    words = [label for _, label in latency_limits(experiment)]
    return f" Dotted: the objective, {joined(words)}." if words else ""
