"""The diagnosis for readers."""

import textwrap
from collections.abc import Iterator

from functune.doctor.finding import SEVERITIES, Diagnosis, Finding, Severity
from functune.formatting import duration, joined, number, plural

_WIDTH = 110


def plain_text(diagnosis: Diagnosis, threshold: Severity) -> str:
    """The findings with the worst first, then what was not looked at, and the counts."""
    lines = [line for finding in diagnosis.findings for line in finding_lines(finding)]
    if diagnosis.start is not None:
        lines += start_lines(diagnosis)
    lines += diagnosis.notes
    return "\n".join([*lines, summary_line(diagnosis, threshold)]) + "\n"


def finding_lines(finding: Finding) -> Iterator[str]:
    """One finding, with an empty line after it."""
    yield f"{finding.severity}: {finding.place or 'the app'} [{finding.rule}]"
    why = [f"Why: {finding.why}"] if finding.source == "functune" else [finding.why]
    for text in (finding.seen, *why, *([f"Remedy: {finding.remedy}"] if finding.remedy else [])):
        yield from textwrap.wrap(text, _WIDTH, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)
    yield ""


def start_lines(diagnosis: Diagnosis) -> list[str]:
    """What a start of the app showed."""
    start = diagnosis.start
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
