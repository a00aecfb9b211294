"""The findings of a run on the terminal: verdict, certainty, settings to set and expectations of each experiment."""

from collections.abc import Iterator

from functune.analysis.checks.expectations import Outcome
from functune.analysis.experiment import ExperimentFindings
from functune.report.document import ReportDocument


def findings_lines(document: ReportDocument) -> Iterator[str]:
    """The lines of all experiments, an empty line before each."""
    for findings in document.experiments:
        yield ""
        yield findings.experiment.question
        yield from (f"  {line}" for line in experiment_lines(findings))


def experiment_lines(findings: ExperimentFindings) -> Iterator[str]:
    """The lines of one experiment."""
    yield findings.verdict
    several = len(findings.recommendations) > 1
    for each in findings.recommendations:
        yield f"{f'{each.subject}: ' if several else ''}{each.certainty or each.reason}"
    yield from (f"Warning: {warning}" for warning in findings.warnings)
    for advice in findings.advice:
        for name, value in advice.settings_to_set.items():
            yield f"  {name}={value}" if value is not None else f"  leave {name} unset"
    yield from map(outcome_line, findings.outcomes)


def outcome_line(outcome: Outcome) -> str:
    """One expectation."""
    mark = "FAILS" if outcome.result == "fails" else outcome.result
    reason = f"; {outcome.reason}" if outcome.reason else ""
    return f"{mark}: {outcome.claim} (observed {outcome.observed_text}, allowed {outcome.allowed}{reason})"


def nothing_worked_text(document: ReportDocument, routes: tuple[str, ...]) -> str:
    """That no step of some experiments worked, with the failures seen and the routes of the app."""
    lines = [
        f"{findings.name}: no step worked: {failures_in_words(findings)}"
        for findings in document.experiments
        if not findings.worked
    ]
    known = f"The app has these routes: {', '.join(routes)}. " if routes else ""
    return "\n".join(
        [*lines, f"{known}A step that fails more than 1 % of its requests is no measurement of throughput."]
    )


def failures_in_words(findings: ExperimentFindings) -> str:
    """The kinds of failure of an experiment: ``HTTP 404: 312``."""
    seen: dict[str, int] = {}
    for level in (*findings.levels, *findings.arrivals):
        for kind, count in level.figures.errors.items():
            seen[kind] = seen.get(kind, 0) + count
    return ", ".join(f"{kind}: {count:,}" for kind, count in sorted(seen.items(), key=lambda pair: -pair[1]))
