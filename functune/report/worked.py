"""Whether anything of a run worked, and why not."""

from collections import Counter
from collections.abc import Iterable, Sequence

from functune.analysis.experiment import ExperimentFindings
from functune.errors import LoadError
from functune.formatting import count, plural
from functune.run.measurement import ACCEPTED_ERRORS, causes_in_words


def require_worked_steps(experiments: Sequence[ExperimentFindings], routes: Sequence[str] = ()) -> None:
    """
    Raise LoadError where no step of an experiment worked, unless the app fits no instance, which is a result.

    ``routes`` are the app's where they are known.
    """
    if not all(findings.answered for findings in experiments):
        raise LoadError(nothing_worked_text(experiments, routes))


def nothing_worked_text(experiments: Iterable[ExperimentFindings], routes: Sequence[str]) -> str:
    """Why no step of some experiments worked, the rule, and the routes of the app where they are known."""
    lines = [
        f"{findings.name}: no step worked: {failures_in_words(findings)}."
        for findings in experiments
        if not findings.answered
    ]
    lines.append(
        f"A step works when it serves requests and at most {ACCEPTED_ERRORS:.0%} of them fail."
        f"{f' The app has these routes: {", ".join(routes)}.' if routes else ''}"
    )
    return "\n".join(lines)


def failures_in_words(findings: ExperimentFindings) -> str:
    """Why no step of an experiment worked: ``312 of 312 requests failed (HTTP 404: 312)``."""
    levels = [*findings.levels, *findings.arrivals]
    if not levels:
        causes = [void.reason for level in findings.void for void in level.void]
        causes += [failed.reason for failed in findings.failed]
        return causes[0] if causes else "nothing was measured"
    seen = sum((Counter(level.figures.errors) for level in levels), Counter[str]())
    ends = sum((Counter(level.figures.worker_ends) for level in levels), Counter[str]())
    failed = sum(level.figures.failed for level in levels)
    requests = failed + sum(level.figures.requests for level in levels)
    found = causes_in_words(seen, ends)
    if not requests:
        return f"no request was answered{f' ({found})' if found else ''}"
    return f"{count(failed)} of {plural(requests, 'request')} failed ({found})"
