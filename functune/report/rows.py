"""measurements.csv and the tables of the page: a step as a row of figures with their units in the names."""

import csv
import io
from collections.abc import Iterable

import msgspec

from functune.analysis.laws import littles_law
from functune.analysis.numbers.figures import Figures
from functune.analysis.numbers.levels import Level, levels_of
from functune.report.document import rounded
from functune.run.measurement import Handler, Measurement, Phase


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement. None where a figure is not known."""

    experiment: str
    route: str
    """With its background load, if any."""
    handler: Handler | None
    phase: Phase
    trial: int
    repeat: int
    """Counts from 0."""
    process_count: int
    thread_count: int | None
    per_instance_concurrency: int | None
    app_settings: str
    users: int
    arrivals_per_s: float | None
    """Intended; None for a closed loop."""
    share: float | None
    """The arrival rate as a share of the capacity."""
    throughput_per_s: float
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
    """Relative residual."""
    late_p99_ms: float | None
    """Delay of arrivals from the intended moment to the sending."""
    arrivals: int
    """Intended in the window."""
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
    """Why it does not count; empty where it does."""


def measured_rows(measured: Iterable[Measurement]) -> list[Row]:
    """Every measurement of a run in the order they were made; those that do not count with the reason."""
    return [row(step) for step in measured]


def row(step: Measurement) -> Row:
    """One measurement."""
    [level] = levels_of([step])
    figures, setting = level.figures, step.setting
    return Row(
        experiment=step.experiment,
        route=str(step.subject),
        handler=step.handler,
        phase=step.phase,
        trial=step.trial,
        repeat=step.repeat,
        process_count=setting.process_count,
        thread_count=setting.thread_count,
        per_instance_concurrency=setting.per_instance_concurrency,
        app_settings=" ".join(f"{name}={value}" for name, value in setting.app_settings),
        users=step.users,
        arrivals_per_s=step.arrival_rate,
        share=step.share,
        throughput_per_s=figures.throughput,
        **latencies(figures),
        requests=figures.requests,
        failed=figures.failed,
        errors="; ".join(f"{kind}: {times}" for kind, times in sorted(figures.errors.items())),
        in_flight=figures.in_flight,
        littles_law_off=littles_law.residual(figures),
        late_p99_ms=in_ms(figures.send_delay_p99),
        arrivals=figures.arrivals,
        host_cpu_cores=figures.host_cpu,
        generator_cpu_cores=figures.generator_cpu,
        other_cpu_cores=figures.other_cpu,
        generator_lag_p99_ms=in_ms(figures.generator_lag_p99),
        generator_memory_mb=figures.generator_memory_mb,
        host_memory_mb=figures.host_memory_mb,
        started_at_s=step.started_at,
        duration_s=figures.duration,
        warm_up_s=step.warm_up,
        void=reason_void(level),
    )


def latencies(figures: Figures) -> dict[str, float | None]:
    """The columns in milliseconds."""
    return {
        "p50_ms": in_ms(figures.p50),
        "p95_ms": in_ms(figures.p95),
        "p99_ms": in_ms(figures.p99),
        "mean_ms": in_ms(figures.mean),
        "queued_ms": in_ms(figures.queued.mean if figures.queued else None),
        "service_ms": in_ms(figures.service.mean if figures.service else None),
        "cpu_ms": in_ms(figures.cpu.mean if figures.cpu else None),
    }


def reason_void(level: Level) -> str:
    """Why the measurement of a level does not count; empty where it does."""
    return level.void[0].reason if level.void else ""


def in_ms(seconds: float | None) -> float | None:
    """Seconds as milliseconds."""
    return None if seconds is None else seconds * 1e3


def to_csv(rows: Iterable[Row]) -> str:
    """The rows as CSV (RFC 4180, but with plain line feeds); the first line has the names of the fields."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(Row.__struct_fields__)
    writer.writerows(rounded(msgspec.structs.astuple(each)) for each in rows)
    return file.getvalue()
