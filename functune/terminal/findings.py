"""The findings of a run on the terminal: verdict, certainty, limit, settings and expectations of each experiment."""

from collections.abc import Iterable, Iterator

from functune.analysis.checks.expectations import Outcome
from functune.analysis.experiment import ExperimentFindings
from functune.analysis.verdict.limiter_line import limiter_note
from functune.analysis.verdict.reasons import limit_in_words
from functune.analysis.verdict.sentences import sizes_in_words


def findings_lines(experiments: Iterable[ExperimentFindings], *, with_settings: bool = True) -> Iterator[str]:
    """The lines of the experiments of a run, an empty line before each, with the app settings to set or without."""
    for findings in experiments:
        yield ""
        yield findings.experiment.question
        yield from (f"  {line}" for line in experiment_lines(findings, with_settings=with_settings))


def experiment_lines(findings: ExperimentFindings, *, with_settings: bool = True) -> Iterator[str]:
    """The lines of one experiment."""
    yield findings.verdict
    certain = [(str(each.subject), each.certainty) for each in findings.recommendations if each.certainty]
    sizes = [(str(each.subject), said) for each in findings.recommendations for said in sizes_in_words(each)]
    limits = [(subject, limit_in_words(limit)) for subject, limit in findings.limits.items()]
    for subject, sentence in (*sizes, *certain, *limits):
        yield f"{subject}: {sentence}" if len(findings.limits) > 1 else sentence
    yield from (f"Warning: {warning}" for warning in findings.warnings)
    for advice in findings.advice if with_settings else ():
        for name, value in advice.settings_to_set.items():
            yield f"  {name}={value}" if value is not None else f"  leave {name} unset"
        if (note := limiter_note(advice.setting)) is not None:
            yield f"  {note}"
    yield from map(outcome_line, findings.outcomes)


def outcome_line(outcome: Outcome) -> str:
    """One expectation."""
    mark = "FAILS" if outcome.result == "fails" else outcome.result
    reason = f"; {outcome.reason}" if outcome.reason else ""
    return f"{mark}: {outcome.claim} (observed {outcome.observed_text}, allowed {outcome.allowed}{reason})"
