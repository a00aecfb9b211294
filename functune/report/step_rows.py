"""A step as a row of figures with units in their names, for the table, the CSV file and report.json."""

import csv
import io
from collections.abc import Iterable

import msgspec

from functune.analysis import littles_law
from functune.analysis.findings import RouteFindings
from functune.analysis.repeats import Spread
from functune.analysis.statistics import mean, percentile
from functune.analysis.subjects import named
from functune.analysis.validity import void_reason
from functune.measurements import Handler, Measurement, Phase

DIGITS = 6
"""Significant digits of a figure: more than any figure is accurate to, few enough to read."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One step. None where a figure is not known or does not apply."""

    experiment: str
    route: str
    """With its background load, if any."""
    handler: Handler | None
    phase: Phase
    trial: int
    repeat: int | None
    """From 0; None for all repeats of the step together."""
    repeats: int
    """How many repeats this row pools."""
    process_count: int
    thread_count: int | None
    per_instance_concurrency: int | None
    app_settings: str
    users: int
    arrivals_per_s: float | None
    """Intended; None for a closed loop."""
    throughput_per_s: float
    throughput_low_per_s: float | None = None
    """The ends of the spread over repeats: a 95 % interval from five repeats, else their range."""
    throughput_high_per_s: float | None = None
    cost_per_million: float | None = None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    mean_ms: float | None
    queued_ms: float | None
    service_ms: float | None
    cpu_ms: float | None
    requests: int
    failed: int
    errors: str
    in_flight: float
    littles_law_off: float | None
    """Relative residual of Little's law."""
    late_p99_ms: float | None
    """Delay of arrivals from the intended moment to the sending."""
    arrivals: int
    """Arrivals intended in the window."""
    host_cpu_cores: float | None
    generator_cpu_cores: float
    other_cpu_cores: float | None
    generator_lag_p99_ms: float | None
    generator_memory_mb: float | None
    host_memory_mb: float | None
    """Front and workers together."""
    started_at_s: float
    """Epoch seconds."""
    duration_s: float
    warm_up_s: float
    void: str = ""
    """Why the step does not count; empty where it counts."""


def step_row(
    step: Measurement,
    *,
    repeats: int = 1,
    spread: Spread | None = None,
    cost: float | None = None,
    void: str = "",
) -> Row:
    """One step, or all repeats of one, pooled."""
    return Row(
        experiment=step.experiment,
        route=step.route,
        handler=step.handler,
        phase=step.phase,
        trial=step.trial,
        repeat=None if repeats > 1 else step.repeat,
        repeats=repeats,
        process_count=step.setting.process_count,
        thread_count=step.setting.thread_count,
        per_instance_concurrency=step.setting.per_instance_concurrency,
        app_settings=" ".join(f"{name}={value}" for name, value in step.setting.app_settings),
        users=step.users,
        arrivals_per_s=significant(step.arrival_rate),
        throughput_per_s=significant(step.throughput) or 0.0,
        throughput_low_per_s=significant(spread.low) if spread else None,
        throughput_high_per_s=significant(spread.high) if spread else None,
        cost_per_million=significant(cost),
        p50_ms=in_ms(percentile(step.latencies_us, 0.5)),
        p95_ms=in_ms(percentile(step.latencies_us, 0.95)),
        p99_ms=in_ms(percentile(step.latencies_us, 0.99)),
        mean_ms=in_ms(mean(step.latencies_us)),
        queued_ms=in_ms(mean(step.queued_us)),
        service_ms=in_ms(mean(step.service_times_us)),
        cpu_ms=in_ms(mean(step.cpu_times_us)),
        requests=len(step.latencies_us),
        failed=len(step.error_latencies_us),
        errors="; ".join(f"{kind}: {times}" for kind, times in sorted(step.errors.items())),
        in_flight=significant(step.concurrency) or 0.0,
        littles_law_off=significant(littles_law.residual(step)),
        late_p99_ms=in_ms(percentile(step.send_delays_us, 0.99)),
        arrivals=step.arrivals,
        host_cpu_cores=significant(step.host_cpu),
        generator_cpu_cores=significant(step.generator_cpu) or 0.0,
        other_cpu_cores=significant(step.other_cpu),
        generator_lag_p99_ms=in_ms(percentile(step.generator_lag_us, 0.99)),
        generator_memory_mb=significant(step.generator_rss_mb),
        host_memory_mb=significant(sum(step.worker_rss_mb.values()) or None),
        started_at_s=step.started_at,
        duration_s=significant(step.duration) or 0.0,
        warm_up_s=significant(step.warm_up) or 0.0,
        void=void,
    )


def closed_rows(findings: RouteFindings) -> list[Row]:
    """The closed-loop steps of a route, the repeats of each in one row."""
    standing = {(one.setting, one.users): one for one in findings.candidates}
    counts: dict[tuple[object, ...], int] = {}
    for step in findings.repeats:
        counts[step.setting, step.users] = counts.get((step.setting, step.users), 0) + 1
    found = []
    for step in findings.steps:
        one = standing.get((step.setting, step.users))
        found.append(
            step_row(
                step,
                repeats=counts.get((step.setting, step.users), 1),
                spread=findings.spreads[step.setting, step.users].throughput,
                cost=one.figures.cost if one else None,
            )
        )
    return found


def open_rows(findings: RouteFindings) -> list[Row]:
    """The open-loop steps of a route, the repeats of each in one row."""
    return [step_row(step) for step in findings.arrivals]


def measured_rows(measured: Iterable[Measurement]) -> list[Row]:
    """Every measurement of a run in the order it was made, with the reason where it does not count."""
    return [step_row(named(step), void=void_reason(step) or "") for step in measured]


def to_csv(rows: Iterable[Row]) -> str:
    """The rows as CSV (RFC 4180, but with plain line feeds); the first line has the names of the fields."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(Row.__struct_fields__)
    writer.writerows(msgspec.structs.astuple(each) for each in rows)
    return file.getvalue()


def significant(value: float | None) -> float | None:
    """The value to six significant digits."""
    return None if value is None else float(f"{value:.{DIGITS}g}")


def in_ms(microseconds: float | None) -> float | None:
    """Microseconds as milliseconds."""
    return None if microseconds is None else significant(microseconds / 1e3)
