"""The report of a probe: what was counted and by what, and where it differs from the configuration."""

from functune.formatting import plural
from functune.probe.report import ProbeReport, Wave
from functune.probe.sightings import ServingWorker

_SOURCES = {
    "local host": "the header x-functune-worker of functune's local host",
    "times file": "the header x-functune-worker of functune_times.py in the app",
    "showcase": "the field 'worker' in the showcase's answers",
}


def wave_line(wave: Wave) -> str:
    """A wave in a line."""
    is_async = all(each.kind == "async" for each in wave.sightings)
    threads = plural(wave.total_threads, "event loop" if is_async else "thread")
    return f"wave of {wave.size:>4}: {plural(len(wave.threads), 'worker')}, {threads}"


def probe_lines(report: ProbeReport) -> list[str]:
    """The report as lines of text: the configured and the counted numbers, and their differences."""
    configured, threads = report.configured, report.threads
    source = f" ({configured.thread_count_source})" if configured.thread_count_source else ""
    lines = [
        f"Counted by {_SOURCES[report.waves[-1].sightings[-1].source]}.",
        "",
        "                     configured          counted from outside",
    ]
    if len(report.instances) > 1:
        lines.append(f"instances            {'':<20}{len(report.instances)}")
    workers = f"{'' if report.has_all_workers else 'at least '}{len(threads)}"
    lines.append(f"worker processes     {_shown(configured.process_count):<20}{workers}")
    if report.is_async:
        lines.append(
            f"threads per worker   {_shown(configured.thread_count) + source:<20}not used: an async def handler"
        )
    else:
        at_least = "" if report.is_exact else "at least "
        each = str(min(threads.values())) if len(set(threads.values())) == 1 else _by_worker(threads)
        all_of_them = "" if report.is_exact and report.has_all_workers else "at least "
        lines += [
            f"threads per worker   {_shown(configured.thread_count) + source:<20}{at_least}{each}",
            f"threads in total     {_total(report):<20}{all_of_them}{sum(threads.values())}",
        ]
    return [*lines, "", *_conclusion(report)]


def probe_document(report: ProbeReport) -> dict[str, object]:
    """The report as JSON."""
    configured = report.configured
    return {
        "schema_version": 1,
        "counted_by": report.waves[-1].sightings[-1].source,
        "handler": "async def" if report.is_async else "def",
        "configured": {
            "process_count": configured.process_count,
            "thread_count": configured.thread_count,
            "thread_count_source": configured.thread_count_source,
        },
        "workers": [
            {"instance": worker.instance, "pid": worker.pid, "threads": threads}
            for worker, threads in sorted(report.threads.items())
        ],
        "has_all_workers": report.has_all_workers,
        "has_all_threads": report.is_exact,
        "waves": [
            {
                "calls": wave.size,
                "workers": len(wave.threads),
                "threads": wave.total_threads,
                "duration_s": wave.seconds,
            }
            for wave in report.waves
        ],
        "disagreements": report.disagreements,
    }


def _conclusion(report: ProbeReport) -> list[str]:
    lines = list(report.disagreements)
    configured = report.configured
    if not lines:
        compared = {
            "the worker processes": configured.process_count,
            "the threads": None if report.is_async else configured.thread_count,
        }
        known = [name for name, count in compared.items() if count is not None]
        lines = ["They agree." if known else "Neither the app nor its host reports what is configured."]
    if report.is_async:
        lines.append("An async def handler runs on the event loop of its worker, one thread for all its calls.")
    elif not report.is_exact:
        lines.append(_why_at_least(report))
    if not all(each.in_turn for each in report.waves[-1].sightings):
        lines.append("The system chose the worker of each connection, so there may be workers that got none.")
    return lines


def _why_at_least(report: ProbeReport) -> str:
    last = report.waves[-1]
    if not report.is_settled:
        return f"The largest wave had {last.size} calls, too few for the pool to run out: see --largest-wave."
    if not last.services:
        return "The answers do not say how long a call takes, so the pool may have more threads than were busy at once."
    return (
        f"A call takes {min(last.services) * 1e3:.3g} ms, too short for more threads to be busy at once: "
        "--route of a longer call shows more."
    )


def _shown(value: int | None) -> str:
    return "unknown" if value is None else str(value)


def _total(report: ProbeReport) -> str:
    threads, processes = report.configured.thread_count, report.configured.process_count
    if threads is None or processes is None:
        return "unknown"
    return str(threads * processes * len(report.instances))


def _by_worker(threads: dict[ServingWorker, int]) -> str:
    return ", ".join(f"{count} in {worker.pid}" for worker, count in sorted(threads.items()))
