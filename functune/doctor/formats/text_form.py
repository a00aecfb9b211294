"""The diagnosis for readers."""

import itertools
import textwrap
from collections.abc import Iterator, Sequence

from functune.doctor.finding import (
    SEVERITIES,
    AppServiceFigures,
    Diagnosis,
    Finding,
    Severity,
    StartFigures,
    file_and_line,
)
from functune.formatting import duration, joined, number, plural

_WIDTH = 110


def plain_text(diagnosis: Diagnosis, threshold: Severity) -> str:
    """The findings by rule with the worst first, then what was not looked at, and the counts."""
    lines = [
        *app_service_lines(diagnosis.app_service),
        *grouped_lines(diagnosis.findings),
        *start_lines(diagnosis.start),
        *diagnosis.notes,
        summary_line(diagnosis, threshold),
    ]
    return "\n".join(lines) + "\n"


def grouped_lines(findings: Sequence[Finding]) -> Iterator[str]:
    """The findings by rule, the worst first, an empty line after each rule."""
    order = {each.rule: place for place, each in reversed(list(enumerate(findings)))}
    by_rule = sorted(findings, key=lambda each: (SEVERITIES.index(each.severity), order[each.rule]))
    for _, group in itertools.groupby(by_rule, key=lambda each: (each.severity, each.rule)):
        yield from group_lines(list(group))
        yield ""


def app_service_lines(found: AppServiceFigures | None) -> list[str]:
    """What App Service starts, with the command on a line of its own, so that it can be copied."""
    if found is None:
        return []
    place = file_and_line(found.start.file, found.start.line)
    instance = f"{plural(found.cores, 'core')}, {found.memory_mb} MB"
    return [
        f"App Service, Python {found.python} (from {found.python_said_by}), {found.tier} ({instance})",
        *indented(f"Step {len(found.start.tried) + 1} of 5, {found.start.step}: {found.start.reason}", 2),
        *(line for tried in found.start.tried for line in indented(f"Not {tried.step}: {tried.reason}", 4)),
        f"  Command{f' ({place})' if place else ''}:",
        f"    {found.start.command}",
        *indented(found.workers, 2),
        "",
    ]


def group_lines(findings: Sequence[Finding]) -> Iterator[str]:
    """The findings of one rule. Why it matters stands once, and so does a remedy that all of them share."""
    first = findings[0]
    is_shared = len({each.remedy for each in findings}) == 1
    yield f"{first.severity} [{first.rule}]"
    for each in findings:
        yield f"  {each.place or 'the app'}"
        yield from indented(each.seen, 4)
        if not is_shared:
            yield from indented(f"Remedy: {each.remedy}", 4)
    yield from indented(f"Why: {first.why}" if first.source == "functune" else first.why, 2)
    if is_shared and first.remedy:
        yield from indented(f"Remedy: {first.remedy}", 2)


def indented(text: str, blanks: int) -> list[str]:
    """The text in lines, indented."""
    indent = " " * blanks
    return textwrap.wrap(text, _WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)


def start_lines(start: StartFigures | None) -> list[str]:
    """What a start of the app showed."""
    if start is None:
        return []
    parts = joined([f"{name} {duration(seconds)}" for name, seconds in start.imports])
    return [
        f"The import of the app takes {duration(start.import_seconds)}: {parts}, each with what it imports.",
        f"An idle worker process needs {number(start.worker_mb)} MB; {plural(start.process_count, 'process')} "
        f"{'is' if start.process_count == 1 else 'are'} configured.",
    ]


def summary_line(diagnosis: Diagnosis, threshold: Severity) -> str:
    """The counts by severity, and whether the app passes."""
    found = {each: sum(one.severity == each for one in diagnosis.findings) for each in SEVERITIES}
    counts = ", ".join(plural(many, each) for each, many in found.items())
    failing = len(diagnosis.at_least(threshold))
    verdict = f"{plural(failing, 'finding')} of severity {threshold} or worse" if failing else "healthy"
    return f"{diagnosis.app}: {verdict} ({counts}; {plural(len(diagnosis.checked), 'rule')})."
