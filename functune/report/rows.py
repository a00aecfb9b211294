"""A step as a row of figures with their units in the names: measurements.csv, and the CSV that the page offers."""

import csv
import io
from collections.abc import Iterable

import msgspec

from functune.analysis.experiment import ExperimentFindings
from functune.analysis.laws import littles_law
from functune.analysis.numbers.figures import Figures
from functune.analysis.numbers.levels import Level, Repeat, levels_of
from functune.report.json_text import rounded
from functune.run.measurement import Handler, Measurement, Phase


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement, or all repeats of a step together. None where a figure is not known."""

    experiment: str
    route: str
    """With its background load, if any."""
    handler: Handler | None
    phase: Phase
    trial: int
    repeat: int | None
    """Counts from 0; None for several repeats together."""
    repeats: int
    process_count: int
    thread_count: int | None
    limiter_tokens: int | None
    per_instance_concurrency: int | None
    app_settings: str
    instance: str
    """Empty for the whole machine."""
    users: int
    arrivals_per_s: float | None
    """Intended; None for a closed loop."""
    share: float | None
    """The arrival rate as a share of the capacity."""
    instances: int | None
    """The most instances of the app that served a repeat; None where answers do not name them."""
    throughput_per_s: float
    throughput_low_per_s: float | None
    """Ends of the spread over repeats; None for a single repeat."""
    throughput_high_per_s: float | None
    cost_per_million: float | None
    """None for a single measurement of measurements.csv."""
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    mean_ms: float | None
    wait_ms: float | None
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
    generator_cpu_cores: float | None
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
    load_processes: int = 1
    """The processes that sent the requests."""
    host: str = ""
    """The host kind of a run that compares several; empty where it has one."""


def measured_rows(measured: Iterable[Measurement]) -> list[Row]:
    """Every measurement of a run in the order they were made; those that do not count with the reason."""
    return [measurement_row(step) for step in measured]


def measurement_row(step: Measurement) -> Row:
    """One measurement."""
    [level] = levels_of([step])
    reason = level.void[0].reason if level.void else ""
    made = Repeat(number=step.repeat, trial=step.trial, started_at=step.started_at, figures=level.figures)
    return row(step.experiment, level, made, phase=step.phase, repeats=1, void=reason)


def step_rows(findings: Iterable[ExperimentFindings]) -> list[Row]:
    """Every step of some experiments that counts, its repeats in one row."""
    return [
        level_row(each.name, level)
        for each in findings
        for subject in each.subjects
        for level in (*subject.levels, *subject.arrivals)
    ]


def level_row(experiment: str, level: Level) -> Row:
    """One step with all its repeats; trial and start are those of the first."""
    phase: Phase = "capacity" if level.share is None else "arrivals"
    return row(experiment, level, level.repeats[0], phase=phase, repeats=len(level.repeats))


def row(experiment: str, level: Level, first: Repeat, *, phase: Phase, repeats: int, void: str = "") -> Row:
    """The figures of a level as a row; ``first`` is its first repeat."""
    figures, setting = level.figures, level.setting
    return Row(
        experiment=experiment,
        route=str(level.subject),
        handler=level.handler,
        phase=phase,
        trial=first.trial,
        repeat=first.number if repeats == 1 else None,
        repeats=repeats,
        process_count=setting.process_count,
        thread_count=setting.thread_count,
        limiter_tokens=setting.limiter_tokens,
        per_instance_concurrency=setting.per_instance_concurrency,
        app_settings=" ".join(f"{name}={value}" for name, value in setting.app_settings),
        instance="" if setting.instance is None else str(setting.instance),
        users=level.users,
        arrivals_per_s=level.arrival_rate,
        share=level.share,
        instances=figures.instances,
        throughput_per_s=figures.throughput,
        throughput_low_per_s=level.spread.low if level.spread else None,
        throughput_high_per_s=level.spread.high if level.spread else None,
        cost_per_million=figures.cost,
        **latencies(figures),
        requests=figures.requests,
        failed=figures.failed,
        errors="; ".join(f"{kind}: {times}" for kind, times in sorted(figures.errors.items())),
        in_flight=figures.in_flight,
        littles_law_off=littles_law.residual(figures),
        late_p99_ms=in_ms(figures.send_delay_p99),
        arrivals=figures.arrivals,
        host_cpu_cores=figures.host_cpu,
        generator_cpu_cores=None if figures.busiest_generator is None else figures.generator_cpu,
        other_cpu_cores=figures.other_cpu,
        generator_lag_p99_ms=in_ms(figures.generator_lag_p99),
        generator_memory_mb=figures.generator_memory_mb,
        host_memory_mb=figures.host_memory_mb,
        started_at_s=first.started_at,
        duration_s=figures.duration,
        warm_up_s=figures.warm_up[0],
        void=void,
        load_processes=figures.load_processes,
        host=setting.host or "",
    )


def latencies(figures: Figures) -> dict[str, float | None]:
    """The columns in milliseconds."""
    return {
        "p50_ms": in_ms(figures.p50),
        "p95_ms": in_ms(figures.p95),
        "p99_ms": in_ms(figures.p99),
        "mean_ms": in_ms(figures.mean),
        "wait_ms": in_ms(figures.wait.mean if figures.wait else None),
        "service_ms": in_ms(figures.service.mean if figures.service else None),
        "cpu_ms": in_ms(figures.cpu.mean if figures.cpu else None),
    }


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
