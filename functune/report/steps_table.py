"""The table of every step of a route: its result, and what its trustworthiness rests on."""

from functune.analysis import littles_law
from functune.analysis.findings import RouteFindings
from functune.analysis.formatting import count, number, percent
from functune.measurements import BUSY_GENERATOR, BUSY_MACHINE
from functune.report.markup import Content, Html, element, table
from functune.report.step_rows import Row, pooled_rows

HEAD = [
    "Setting",
    "Users",
    "Arrivals/s",
    "Requests/s",
    "Repeats span",
    "Cost of a million",
    "p50 ms",
    "p95 ms",
    "p99 ms",
    "Queued ms",
    "Service ms",
    "CPU ms",
    "Requests",
    "Failed",
    "In flight",
    "Little's law off by",
    "Host cores",
    "Load cores",
    "Other cores",
    "Host MB",
]


def steps_table(findings: RouteFindings) -> Html:
    """Every step of a route, by settings and users, the repeats of each in one row. A dash: not known."""
    steps = [*findings.steps, *findings.arrivals]
    return table(
        f"{findings.route}: T threads in each of P processes, c requests let in at a time. Queued, service and CPU are "
        "means per request, from the answers; cores are those host, load generator and all other programs used.",
        HEAD,
        [cells(row, str(step.setting)) for row, step in zip(pooled_rows(findings), steps, strict=True)],
        class_="steps sortable",
    )


def cells(row: Row, setting: str) -> list[Content]:
    """One step."""
    off = row.littles_law_off
    failed = count(row.failed)
    law = "-" if off is None or row.arrivals_per_s is not None else percent(off)
    broken = law != "-" and (off or 0.0) > littles_law.LIMIT
    return [
        setting,
        count(row.users),
        known(row.arrivals_per_s),
        number(row.throughput_per_s),
        "once" if row.throughput_low_per_s is None else span(row),
        known(row.cost_per_million),
        *(known(value) for value in (row.p50_ms, row.p95_ms, row.p99_ms, row.queued_ms, row.service_ms, row.cpu_ms)),
        count(row.requests),
        element("span", f"✗ {failed}", class_="bad") if row.failed else failed,
        number(row.in_flight),
        element("span", f"✗ {law}", class_="bad") if broken else law,
        in_cores(row.host_cpu_cores, limit=None),
        in_cores(row.generator_cpu_cores, limit=BUSY_GENERATOR),
        in_cores(row.other_cpu_cores, limit=BUSY_MACHINE),
        known(row.host_memory_mb),
    ]


def span(row: Row) -> str:
    """What the repeats span."""
    return f"{known(row.throughput_low_per_s)} to {known(row.throughput_high_per_s)}"


def known(value: float | None) -> str:
    """A number; a dash where it is not known."""
    return "-" if value is None else number(value)


def in_cores(value: float | None, *, limit: float | None) -> Content:
    """Cores to hundredths, marked above the limit; a dash where they are not known."""
    if value is None:
        return "-"
    if limit is not None and value > limit:
        return element("span", f"⚠ {value:.2f}", class_="warning")
    return f"{value:.2f}"
