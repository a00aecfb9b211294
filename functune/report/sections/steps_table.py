"""Every step of the run in tables: its result, and the figures that show how far to trust it."""

from functune.analysis.experiment import ExperimentFindings, SubjectFindings
from functune.analysis.laws import littles_law
from functune.analysis.numbers.figures import Figures
from functune.analysis.numbers.levels import Level
from functune.analysis.numbers.request_figures import RequestFigures
from functune.formatting import count, number, number_range, percent
from functune.report.document import ReportDocument
from functune.report.markup import Content, Html, data_table, element
from functune.report.rows import step_rows, to_csv
from functune.run.measurement import BUSY_GENERATOR, BUSY_MACHINE

STEPS_HEAD = [
    "Setting",
    "Users",
    "Requests/s",
    "Range or interval",
    "Cost of a million",
    "p50 ms",
    "p95 ms",
    "p99 ms",
    "Wait ms",
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


def steps_section(document: ReportDocument) -> Html:
    """A table of closed-loop steps per route, and one of its arrivals where the open loop was measured."""
    tables = [
        element(
            "div",
            element("h3", table_heading(findings, subject)),
            closed_table(subject),
            requests_table(subject),
            arrivals_table(subject),
            class_="block",
        )
        for findings in document.experiments
        for subject in findings.subjects
    ]
    rows = to_csv(step_rows(document.experiments))  # for the button of report.js
    return element("section", element("h2", "Every step"), *tables, id="steps", data_csv=rows)


def table_heading(findings: ExperimentFindings, subject: SubjectFindings) -> str:
    """The experiment, and the subject where there are several."""
    return findings.name if len(findings.subjects) == 1 else f"{findings.name}: {subject.subject}"


def closed_table(findings: SubjectFindings) -> Html:
    """Every closed-loop step of a route by setting and users, its repeats in one row. A dash: not known."""
    return data_table(
        f"{findings.subject}: T threads in each of P processes, at most c requests at a time. Wait, service and CPU "
        "are means per call, measured by the host: before the handler, in it, and on its thread. Cores are those used "
        "by host, load generator and all other programs.",
        STEPS_HEAD,
        [step_cells(level) for level in findings.levels],
        class_="steps sortable",
    )


REQUESTS_HEAD = ["Setting", "Load", "Request", "Requests/s", "p95 ms", "Requests", "Failed"]


def requests_table(findings: SubjectFindings) -> Html | None:
    """The figures of each request of a mix, step by step; None where all requests are the same."""
    rows = [request_cells(level, each) for level in (*findings.levels, *findings.arrivals) for each in level.requests]
    if not rows:
        return None
    caption = f"{findings.subject}: each request of the mix."
    return data_table(caption, REQUESTS_HEAD, rows, class_="steps sortable")


def request_cells(level: Level, each: RequestFigures) -> list[Content]:
    """One request of a mix in one step."""
    return [
        str(level.setting),
        level.load_in_words,
        each.name,
        number(each.throughput),
        ms_or_dash(each.p95),
        count(each.requests),
        failed_cell(each.failed),
    ]


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


def arrivals_table(findings: SubjectFindings) -> Html | None:
    """Every open-loop step of a route; None without any."""
    if not findings.arrivals:
        return None
    return data_table(
        f"{findings.subject}: random arrivals, latency from the intended moment. Sent late: the load generator's own "
        "delay. Not answered: still open when the window closed.",
        ARRIVALS_HEAD,
        [arrival_cells(level) for level in findings.arrivals],
        class_="steps sortable",
    )


def arrival_cells(level: Level) -> list[Content]:
    """One open-loop step."""
    figures = level.figures
    return [
        str(level.setting),
        or_dash(level.arrival_rate),
        count(level.users),
        number(level.throughput),
        *(ms_or_dash(value) for value in (figures.p50, figures.p95, figures.p99, figures.send_delay_p99)),
        count(figures.arrivals),
        count(max(figures.arrivals - figures.requests - figures.failed, 0)),
        failed_cell(figures.failed),
        in_cores(figures.busiest_generator, limit=BUSY_GENERATOR),
        in_cores(figures.other_cpu, limit=BUSY_MACHINE),
    ]


def failed_cell(failed: int) -> Content:
    """The number of failed requests, marked where there are any."""
    return element("span", f"✗ {count(failed)}", class_="bad") if failed else count(failed)


def step_cells(level: Level) -> list[Content]:
    """One closed-loop step."""
    figures = level.figures
    means = (each.mean if each is not None else None for each in (figures.wait, figures.service, figures.cpu))
    return [
        str(level.setting),
        count(level.users),
        number(level.throughput),
        "once" if level.spread is None else number_range(level.spread.low, level.spread.high),
        or_dash(figures.cost),
        *(ms_or_dash(value) for value in (figures.p50, figures.p95, figures.p99, *means)),
        count(figures.requests),
        failed_cell(figures.failed),
        law_cell(figures),
        in_cores(figures.host_cpu, limit=None),
        in_cores(figures.busiest_generator, limit=BUSY_GENERATOR),
        in_cores(figures.other_cpu, limit=BUSY_MACHINE),
        or_dash(figures.host_memory_mb),
    ]


def law_cell(figures: Figures) -> Content:
    """The residual of Little's law, marked where it is broken or the window too short to check it."""
    off = littles_law.residual(figures)
    if off is None:
        return "-"
    match littles_law.soundness(figures):
        case "broken":
            return element("span", f"✗ {percent(off)}", class_="bad")
        case "window too short":
            return element("span", f"? {percent(off)}", class_="muted")
    return percent(off)


def ms_or_dash(seconds: float | None) -> str:
    """Seconds as milliseconds; a dash where they are not known."""
    return or_dash(None if seconds is None else seconds * 1e3)


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
