"""Latency against arrivals: p50, p95 and p99 of the open loop."""

from functune.analysis.experiment import SubjectFindings
from functune.analysis.laws.prediction import Model, Prediction
from functune.analysis.numbers.levels import Level
from functune.experiments.model import Experiment
from functune.formatting import duration, number, percent, plural, rate
from functune.report.charts.drawing import Drawing
from functune.report.charts.figure import Chart, ChartFigure, ChartInput
from functune.report.charts.looks import looks
from functune.report.charts.percentile_lines import (
    latency_percentile,
    limits_in_words,
    percentile_drawing,
    percentile_line,
)

UTILISED: dict[Model, str] = {
    "threads": "the threads are busy {} of the time",
    "core": "the cores are busy {} of the time",
    "event loop": "the event loop is busy {} of the time",
}


def arrivals_figure(chart: ChartInput) -> ChartFigure | None:
    """Latency against arrivals; None where the open loop was not measured."""
    subject, experiment = chart.subject, chart.findings.experiment
    drawn = arrivals_drawing(subject, experiment)
    if drawn is None:
        return None
    note = (
        "Open loop: requests arrive at random (Poisson), whether or not earlier ones were answered. Latency counts "
        f"from the intended moment. Solid: p95. Dashed: p50 and p99.{limits_in_words(experiment)}"
    )
    theory = prediction_in_words(subject.predictions[-1]) if subject.predictions else ""
    return ChartFigure(
        title=arrivals_finding(subject), note=f"{note} {backlog_in_words(subject)}.{theory}", drawing=drawn
    )


CHART = Chart(figure=arrivals_figure, width="half", place=4)


def arrivals_finding(subject: SubjectFindings) -> str:
    """The finding of the open loop: p95 at the highest rate of arrivals, of the recommended setting if measured."""
    known = [(step, value) for step in subject.arrivals if (value := latency_percentile(step, 0.95)) is not None]
    if not known:
        return "Latency against arrivals"
    step, value = max(
        known,
        key=lambda pair: (
            subject.recommended is not None and pair[0].setting == subject.recommended.setting,
            rate_of(pair[0]),
        ),
    )
    return f"At {number(rate_of(step))} arrivals/s p95 is {duration(value)} with {step.setting.in_words}"


def backlog_in_words(subject: SubjectFindings) -> str:
    """How late requests were sent at worst, and how many were not answered in their window."""
    missing = sum(
        max(level.figures.arrivals - level.figures.requests - level.figures.failed, 0) for level in subject.arrivals
    )
    late = [value for level in subject.arrivals if (value := level.figures.send_delay_p99) is not None]
    sent = f"Sent up to {duration(max(late))} late at p99. " if late else ""
    return f"{sent}Not answered in their window: {plural(missing, 'arrival')}"


def prediction_in_words(prediction: Prediction) -> str:
    """The mean latency that queueing theory expects, next to the measured one."""
    return (
        f" With {prediction.setting.in_words} at {number(prediction.arrival_rate)} arrivals/s, where "
        f"{UTILISED[prediction.model].format(percent(prediction.utilisation))}, queueing theory expects a mean of "
        f"{duration(prediction.expected)}; the measured mean is {duration(prediction.measured)}."
    )


def arrivals_drawing(subject: SubjectFindings, experiment: Experiment) -> Drawing | None:
    """Three percentiles of each setting against the rate of arrivals; None where none were measured."""
    look_of = looks(step.setting for step in subject.levels or subject.arrivals)
    chosen = subject.recommended.setting if subject.recommended else None
    lines = [
        percentile_line(
            subject.arrivals,
            setting,
            look,
            q,
            x=rate_of,
            label=look.label if q == 0.95 else f"p{round(q * 100)} {look.label}",
            bold=setting == chosen and q == 0.95,
        )
        for setting, look in look_of.items()
        for q in (0.5, 0.95, 0.99)
    ]
    lines = [line for line in lines if line.points]
    if not lines:
        return None
    rates = tuple(sorted({rate_of(step) for step in subject.arrivals}))
    return percentile_drawing(
        lines,
        experiment,
        f"Latency from the intended moment of sending against arrivals, {rate(rates[0])} to {rate(rates[-1])}.",
        ticks=rates,
        horizontal_title="Arrivals/s",
        logarithmic=False,
    )


def rate_of(step: Level) -> float:
    """The rate of arrivals of a step, per second."""
    return step.arrival_rate or 0.0
