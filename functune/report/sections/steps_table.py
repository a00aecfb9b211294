"""Every step of the run in tables: its result, and the figures that show how far to trust it."""

from functune.analysis import littles_law
from functune.analysis.findings import RouteFindings
from functune.analysis.formatting import count, number, percent
from functune.analysis.verdict import Analysis
from functune.measurements import BUSY_GENERATOR, BUSY_MACHINE
from functune.report.contents import Contents
from functune.report.markup import Content, Html, data_table, element
from functune.report.step_rows import Row, closed_rows, open_rows

STEPS_HEAD = [
    "Setting",
    "Users",
    "Requests/s",
    "Range or interval",
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


def steps_section(contents: Contents) -> Html:
    """A table of closed-loop steps per route, and one of its arrivals where the open loop was measured."""
    tables = [
        element(
            "div",
            element("h3", table_heading(findings.analysis, route)),
            closed_table(route),
            arrivals_table(route),
            class_="block",
        )
        for findings in contents.findings
        for route in findings.routes
    ]
    return element("section", element("h2", "Every step"), *tables, id="steps")


def table_heading(analysis: Analysis, route: RouteFindings) -> str:
    """The experiment, and the route where there are several."""
    name = analysis.experiment.name
    return name if len(analysis.subjects) == 1 else f"{name}: {route.route}"


def closed_table(findings: RouteFindings) -> Html:
    """Every closed-loop step of a route by setting and users, its repeats in one row. A dash: not known."""
    return data_table(
        f"{findings.route}: T threads in each of P processes, at most c requests at a time. Queued, service and CPU "
        "are means per request, reported by the answers. Cores are those used by host, load generator and all other "
        "programs.",
        STEPS_HEAD,
        [step_cells(row, str(step.setting)) for row, step in zip(closed_rows(findings), findings.steps, strict=True)],
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
    return data_table(
        f"{findings.route}: random arrivals, latency from the intended moment. Sent late: the load generator's own "
        "delay. Not answered: still open when the window closed.",
        ARRIVALS_HEAD,
        [arrival_cells(row, str(step.setting)) for row, step in pairs],
        class_="steps sortable",
    )


def arrival_cells(row: Row, setting: str) -> list[Content]:
    """One open-loop step."""
    return [
        setting,
        or_dash(row.arrivals_per_s),
        count(row.users),
        number(row.throughput_per_s),
        *(or_dash(value) for value in (row.p50_ms, row.p95_ms, row.p99_ms, row.late_p99_ms)),
        count(row.arrivals),
        count(max(row.arrivals - row.requests - row.failed, 0)),
        failed_cell(row),
        in_cores(row.generator_cpu_cores, limit=BUSY_GENERATOR),
        in_cores(row.other_cpu_cores, limit=BUSY_MACHINE),
    ]


def failed_cell(row: Row) -> Content:
    """Failed requests, marked where there are any."""
    return element("span", f"✗ {count(row.failed)}", class_="bad") if row.failed else count(row.failed)


def step_cells(row: Row, setting: str) -> list[Content]:
    """One step."""
    off = row.littles_law_off
    law = "-" if off is None else percent(off)
    broken = off is not None and off > littles_law.LIMIT
    return [
        setting,
        count(row.users),
        number(row.throughput_per_s),
        "once" if row.throughput_low_per_s is None else spread_cell(row),
        or_dash(row.cost_per_million),
        *(or_dash(value) for value in (row.p50_ms, row.p95_ms, row.p99_ms, row.queued_ms, row.service_ms, row.cpu_ms)),
        count(row.requests),
        failed_cell(row),
        element("span", f"✗ {law}", class_="bad") if broken else law,
        in_cores(row.host_cpu_cores, limit=None),
        in_cores(row.generator_cpu_cores, limit=BUSY_GENERATOR),
        in_cores(row.other_cpu_cores, limit=BUSY_MACHINE),
        or_dash(row.host_memory_mb),
    ]


def spread_cell(row: Row) -> str:
    """The ends of the throughput's spread over repeats."""
    return f"{or_dash(row.throughput_low_per_s)} to {or_dash(row.throughput_high_per_s)}"


def or_dash(value: float | None) -> str:
    """A number; a dash where it is not known."""
    return "-" if value is None else number(value)


def in_cores(value: float | None, *, limit: float | None) -> Content:
    """Cores to hundredths, marked above the limit; a dash where they are not known."""
    if value is None:
        return "-"
    if limit is not None and value > limit:
        return element("span", f"⚠ {value:.2f}", class_="warning")
    return f"{value:.2f}"
