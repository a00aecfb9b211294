"""The table of every step of a route: its result, and what its trustworthiness rests on."""

from functune.analysis import littles_law
from functune.analysis.findings import RouteFindings
from functune.analysis.formatting import count, number, percent
from functune.measurements import BUSY_GENERATOR, BUSY_MACHINE
from functune.report.markup import Content, Html, element, table
from functune.report.step_rows import Row, closed_rows, open_rows

HEAD = [
    "Setting",
    "Users",
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
    "Little's law off by",
    "Host cores",
    "Load cores",
    "Other cores",
    "Host MB",
]


def steps_table(findings: RouteFindings) -> Html:
    """Every closed-loop step of a route, by settings and users, the repeats of each in one row. A dash: not known."""
    return table(
        f"{findings.route}: T threads in each of P processes, c requests let in at a time. Queued, service and CPU are "
        "means per request, from the answers; cores are those host, load generator and all other programs used.",
        HEAD,
        [cells(row, str(step.setting)) for row, step in zip(closed_rows(findings), findings.steps, strict=True)],
        class_="steps sortable",
    )


ARRIVALS_HEAD = [
    "Setting",
    "Arrivals/s",
    "Connections",
    "Answered/s",
    "p50 ms",
    "p95 ms",
    "p99 ms",
    "Sent late, p99 ms",
    "Intended",
    "Not answered",
    "Failed",
    "Load cores",
    "Other cores",
]


def arrivals_table(findings: RouteFindings) -> Html | None:
    """Every open-loop step of a route; None without any."""
    if not findings.arrivals:
        return None
    pairs = zip(open_rows(findings), findings.arrivals, strict=True)
    return table(
        f"{findings.route}: arrivals by chance, latency from the intended moment. Sent late is the load generator's "
        "own delay; not answered are those still open when the window closed.",
        ARRIVALS_HEAD,
        [arrival_cells(row, str(step.setting)) for row, step in pairs],
        class_="steps sortable",
    )


def arrival_cells(row: Row, setting: str) -> list[Content]:
    """One open-loop step."""
    return [
        setting,
        known(row.arrivals_per_s),
        count(row.users),
        number(row.throughput_per_s),
        *(known(value) for value in (row.p50_ms, row.p95_ms, row.p99_ms, row.late_p99_ms)),
        count(row.arrivals),
        count(max(row.arrivals - row.requests - row.failed, 0)),
        failures(row),
        in_cores(row.generator_cpu_cores, limit=BUSY_GENERATOR),
        in_cores(row.other_cpu_cores, limit=BUSY_MACHINE),
    ]


def failures(row: Row) -> Content:
    """Failed requests, marked where there are any."""
    return element("span", f"✗ {count(row.failed)}", class_="bad") if row.failed else count(row.failed)


def cells(row: Row, setting: str) -> list[Content]:
    """One step."""
    off = row.littles_law_off
    law = "-" if off is None else percent(off)
    broken = off is not None and off > littles_law.LIMIT
    return [
        setting,
        count(row.users),
        number(row.throughput_per_s),
        "once" if row.throughput_low_per_s is None else span(row),
        known(row.cost_per_million),
        *(known(value) for value in (row.p50_ms, row.p95_ms, row.p99_ms, row.queued_ms, row.service_ms, row.cpu_ms)),
        count(row.requests),
        failures(row),
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
