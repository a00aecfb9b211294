"""Latency against arrivals: p50, p95 and p99 of the open loop."""

from functune.analysis.findings import RouteFindings
from functune.analysis.formatting import duration, number, percent, plural, rate
from functune.analysis.formatting import setting as setting_in_words
from functune.analysis.prediction import Model, Prediction
from functune.analysis.statistics import percentile
from functune.experiments import Experiment
from functune.measurements import Measurement
from functune.report.charts.drawing import Drawing
from functune.report.charts.figure import ChartFigure, ChartInput
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
    route, experiment = chart.route, chart.findings.analysis.experiment
    drawn = arrivals_drawing(route, experiment)
    if drawn is None:
        return None
    note = (
        "Open loop: requests arrive at random (Poisson), whether or not earlier ones were answered. Latency counts "
        f"from the intended moment. Solid: p95. Dashed: p50 and p99.{limits_in_words(experiment)}"
    )
    theory = prediction_in_words(route.predictions[-1]) if route.predictions else ""
    return ChartFigure(title=arrivals_finding(route), note=f"{note} {backlog_in_words(route)}.{theory}", drawing=drawn)


def arrivals_finding(route: RouteFindings) -> str:
    """The finding of the open loop: p95 at the highest rate of arrivals, of the recommended setting if measured."""
    known = [(step, value) for step in route.arrivals if (value := latency_percentile(step, 0.95)) is not None]
    if not known:
        return "Latency against arrivals"
    step, value = max(
        known,
        key=lambda pair: (
            route.recommended is not None and pair[0].setting == route.recommended.setting,
            rate_of(pair[0]),
        ),
    )
    return f"At {number(rate_of(step))} arrivals/s p95 is {duration(value)} with {setting_in_words(step.setting)}"


def backlog_in_words(route: RouteFindings) -> str:
    """How late requests were sent at worst, and how many were not answered in their window."""
    missing = sum(
        max(step.arrivals - len(step.latencies_us) - len(step.error_latencies_us), 0) for step in route.arrivals
    )
    late = [value for step in route.arrivals if (value := percentile(step.send_delays_us, 0.99)) is not None]
    sent = f"Sent up to {duration(max(late) / 1e6)} late at p99. " if late else ""
    return f"{sent}Not answered in their window: {plural(missing, 'arrival')}"


def prediction_in_words(prediction: Prediction) -> str:
    """The mean latency that queueing theory expects, next to the measured one."""
    step = prediction.step
    return (
        f" With {setting_in_words(step.setting)} at {number(rate_of(step))} arrivals/s, where "
        f"{UTILISED[prediction.model].format(percent(prediction.utilisation))}, queueing theory expects a mean of "
        f"{duration(prediction.expected)}; the measured mean is {duration(prediction.measured)}."
    )


def arrivals_drawing(route: RouteFindings, experiment: Experiment) -> Drawing | None:
    """Three percentiles of each setting against the rate of arrivals; None where none were measured."""
    look_of = looks(step.setting for step in route.steps or route.arrivals)
    chosen = route.recommended.setting if route.recommended else None
    lines = [
        percentile_line(
            route.arrivals,
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
    rates = tuple(sorted({rate_of(step) for step in route.arrivals}))
    return percentile_drawing(
        lines,
        experiment,
        f"Latency from the intended moment of sending against arrivals, {rate(rates[0])} to {rate(rates[-1])}.",
        ticks=rates,
        horizontal_title="Arrivals/s",
        logarithmic=False,
    )


def rate_of(step: Measurement) -> float:
    """The rate of arrivals of a step, per second."""
    return step.arrival_rate or 0.0
