"""The table of every step of a route: its result, and what its trustworthiness rests on."""

from functune.analysis import littles_law
from functune.analysis.formatting import count, milliseconds, number, percent
from functune.analysis.statistics import mean, percentile
from functune.analysis.verdict import Analysis
from functune.measurements import BUSY_GENERATOR, BUSY_MACHINE, Measurement
from functune.report.markup import Content, Html, element, table

HEAD = [
    "Setting",
    "Users",
    "Requests/s",
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
]


def steps_table(analysis: Analysis, route: str) -> Html:
    """Every step of a route, by settings and users. A dash is where there is nothing to say."""
    return table(
        f"{route}: T threads in each of P processes. Queued, service and CPU are means per request, from the answers; "
        "cores are those host, load generator and all other programs used.",
        HEAD,
        [row(step) for step in analysis.measurements if step.route == route],
        class_="steps",
    )


def row(step: Measurement) -> list[Content]:
    """One step."""
    off = littles_law.residual(step)
    failed = count(len(step.error_latencies_us))
    return [
        str(step.setting),
        count(step.users),
        number(step.throughput),
        *(in_ms(percentile(step.latencies_us, q)) for q in (0.5, 0.95, 0.99)),
        *(in_ms(mean(sample)) for sample in (step.queued_us, step.service_times_us, step.cpu_times_us)),
        count(len(step.latencies_us)),
        element("span", f"✗ {failed}", class_="bad") if step.error_latencies_us else failed,
        number(step.concurrency),
        "-"
        if off is None
        else element("span", f"✗ {percent(off)}", class_="bad")
        if off > littles_law.LIMIT
        else percent(off),
        in_cores(step.host_cpu, limit=None),
        in_cores(step.generator_cpu, limit=BUSY_GENERATOR),
        in_cores(step.other_cpu, limit=BUSY_MACHINE),
    ]


def in_cores(value: float | None, *, limit: float | None) -> Content:
    """Cores to hundredths, marked above the limit; a dash where they are not known."""
    if value is None:
        return "-"
    if limit is not None and value > limit:
        return element("span", f"⚠ {value:.2f}", class_="warning")
    return f"{value:.2f}"


def in_ms(microseconds: float | None) -> str:
    """Microseconds as milliseconds; a dash where there are none."""
    return "-" if microseconds is None else milliseconds(microseconds / 1e6)
