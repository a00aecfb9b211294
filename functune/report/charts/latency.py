"""Latency against concurrency: p95 of every setting, and p50 and p99 of the recommended one."""

from functune.analysis.diagnosis import SAME
from functune.analysis.findings import RouteFindings
from functune.analysis.formatting import duration, plural
from functune.analysis.formatting import setting as setting_in_words
from functune.analysis.statistics import minimum_sample
from functune.experiments import Experiment
from functune.measurements import Measurement
from functune.report.charts.drawing import Drawing
from functune.report.charts.figure import ChartFigure, ChartInput
from functune.report.charts.line_chart import USERS_TITLE
from functune.report.charts.looks import looks
from functune.report.charts.percentile_lines import (
    latency_percentile,
    limits_in_words,
    percentile_drawing,
    percentile_line,
)


def latency_figure(chart: ChartInput) -> ChartFigure | None:
    """p95 against concurrency; None where no step has enough requests for a p95."""
    experiment = chart.findings.analysis.experiment
    drawn = latency_drawing(chart.route, experiment)
    if drawn is None:
        return None
    omitted = sum(latency_percentile(step, 0.95) is None for step in chart.route.steps)
    note = (
        "p95: 95 of 100 requests are at least this fast; lower is better. Dashed: p50 and p99 of the recommended "
        f"setting.{limits_in_words(experiment)} A p95 needs {minimum_sample(0.95)} requests, a p99 "
        f"{minimum_sample(0.99)}"
    )
    fewer = f"; {plural(omitted, 'step')} had too few for a p95" if omitted else ""
    return ChartFigure(title=latency_finding(chart.route), note=f"{note}{fewer}.", drawing=drawn)


def latency_finding(route: RouteFindings) -> str:
    """The finding of the latency chart: the recommended setting and the slowest one, at the most users."""
    recommended = route.recommended
    if recommended is None:
        return "Latency against concurrency"
    p95s = {
        (step.users, step.setting): value
        for step in route.steps
        if (value := latency_percentile(step, 0.95)) is not None
    }
    ours = [users for users, setting in p95s if setting == recommended.setting]
    if not ours:
        return "Latency against concurrency"
    users = max(ours)
    here = f"{duration(p95s[users, recommended.setting])} with {setting_in_words(recommended.setting)}"
    slowest, value = max(
        ((setting, value) for (at, setting), value in p95s.items() if at == users), key=lambda one: one[1]
    )
    is_slower = value > (1 + SAME) * p95s[users, recommended.setting]
    there = f", {duration(value)} with {setting_in_words(slowest)}" if is_slower else ""
    return f"At {plural(users, 'user')} p95 is {here}{there}"


def latency_drawing(route: RouteFindings, experiment: Experiment) -> Drawing | None:
    """The lines of every setting; None where no step has a p95."""
    look_of = looks(step.setting for step in route.steps)
    chosen = route.recommended.setting if route.recommended else None
    lines = [
        percentile_line(
            route.steps,
            setting,
            look,
            0.95,
            x=users_of,
            label="p95" if len(look_of) == 1 else None,
            bold=setting == chosen,
        )
        for setting, look in look_of.items()
    ]
    if chosen is not None:
        lines += [
            percentile_line(route.steps, chosen, look_of[chosen], q, x=users_of, label=f"p{round(q * 100)}")
            for q in (0.5, 0.99)
        ]
    lines = [line for line in lines if line.points]
    if all(line.dashed for line in lines):
        return None
    users = tuple(sorted({step.users for step in route.steps}))
    return percentile_drawing(
        lines,
        experiment,
        f"95th percentile of latency against concurrency, {users[0]:g} to {users[-1]:g} users.",
        ticks=users,
        horizontal_title=USERS_TITLE,
        logarithmic=True,
    )


def users_of(step: Measurement) -> float:
    """The number of users of a step, as the place on the axis."""
    return step.users
