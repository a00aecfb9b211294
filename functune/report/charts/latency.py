"""Latency against concurrency: p95 of every setting, and p50 and p99 of the recommended one."""

from functune.analysis.experiment import SubjectFindings
from functune.analysis.numbers.levels import Level
from functune.analysis.numbers.repeats import SAME
from functune.analysis.numbers.statistics import minimum_sample
from functune.experiments.model import Experiment
from functune.formatting import duration, plural
from functune.report.charts.drawing import Drawing
from functune.report.charts.figure import Chart, ChartFigure, ChartInput
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
    experiment = chart.findings.experiment
    drawn = latency_drawing(chart.subject, experiment)
    if drawn is None:
        return None
    omitted = sum(latency_percentile(step, 0.95) is None for step in chart.subject.levels)
    note = (
        "p95: 95 of 100 requests are at least this fast; lower is better. Dashed: p50 and p99 of the recommended "
        f"setting.{limits_in_words(experiment)} A p95 needs {minimum_sample(0.95)} requests, a p99 "
        f"{minimum_sample(0.99)}"
    )
    fewer = f"; {plural(omitted, 'step')} had too few for a p95" if omitted else ""
    return ChartFigure(title=latency_finding(chart.subject), note=f"{note}{fewer}.", drawing=drawn)


CHART = Chart(figure=latency_figure, width="half", place=3)


def latency_finding(subject: SubjectFindings) -> str:
    """The finding of the latency chart: the recommended setting and the slowest one, at the most users."""
    recommended = subject.recommended
    if recommended is None:
        return "Latency against concurrency"
    p95s = {
        (step.users, step.setting): value
        for step in subject.levels
        if (value := latency_percentile(step, 0.95)) is not None
    }
    ours = [users for users, setting in p95s if setting == recommended.setting]
    if not ours:
        return "Latency against concurrency"
    users = max(ours)
    here = f"{duration(p95s[users, recommended.setting])} with {recommended.setting.in_words}"
    slowest, value = max(
        ((setting, value) for (at, setting), value in p95s.items() if at == users), key=lambda one: one[1]
    )
    is_slower = value > (1 + SAME) * p95s[users, recommended.setting]
    there = f", {duration(value)} with {slowest.in_words}" if is_slower else ""
    return f"At {plural(users, 'user')} p95 is {here}{there}"


def latency_drawing(subject: SubjectFindings, experiment: Experiment) -> Drawing | None:
    """The lines of every setting; None where no step has a p95."""
    look_of = looks(step.setting for step in subject.levels)
    chosen = subject.recommended.setting if subject.recommended else None
    lines = [
        percentile_line(
            subject.levels,
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
            percentile_line(subject.levels, chosen, look_of[chosen], q, x=users_of, label=f"p{round(q * 100)}")
            for q in (0.5, 0.99)
        ]
    lines = [line for line in lines if line.points]
    if all(line.dashed for line in lines):
        return None
    users = tuple(sorted({step.users for step in subject.levels}))
    return percentile_drawing(
        lines,
        experiment,
        f"95th percentile of latency against concurrency, {users[0]:g} to {users[-1]:g} users.",
        ticks=users,
        horizontal_title=USERS_TITLE,
        logarithmic=True,
    )


def users_of(step: Level) -> float:
    """The number of users of a step, as the place on the axis."""
    return step.users
