"""What a finished run says about the code of an app: limits with their lines, and the memory of its workers."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from functune.analysis.experiment import SubjectFindings
from functune.analysis.numbers.figures import together
from functune.analysis.verdict.limit import Limit
from functune.analysis.verdict.reasons import line_in_words
from functune.doctor.reading.evidence import LimitCase, RunEvidence, WorkerMemory
from functune.formatting import joined
from functune.report.document import read_document
from functune.run.environment import app_digest, without_home
from functune.run.folder import RunFolder


def evidence_of_run(folder: RunFolder, root: Path) -> RunEvidence:
    """Read the evidence of a run folder for the app in ``root``. Raises RunFolderError where nothing was measured."""
    document = read_document(folder)
    subjects = [(findings, each) for findings in document.experiments for each in findings.subjects]
    return RunEvidence(
        limits=tuple(
            limit_case(str(each.subject), findings.limits[str(each.subject)], served_at_once(each))
            for findings, each in subjects
        ),
        memory=largest_memory([each for _, each in subjects]),
        notes=tuple(differences_of(folder, root.resolve())),
    )


def limit_case(subject: str, limit: Limit, at_once: float | None) -> LimitCase:
    """A limit as the rules read it."""
    where = limit.where
    return LimitCase(
        subject=subject,
        kind=limit.kind,
        file=None if where is None else where.file,
        line=None if where is None else where.line,
        state="unknown" if where is None else "computes" if where.waits_in is None else "waits",
        seen=f"{joined(list(limit.evidence))}{line_in_words(limit)}",
        at_once=at_once,
    )


def differences_of(folder: RunFolder, root: Path) -> Iterator[str]:
    """Whether the run measured another app, or the app before a change."""
    measured = folder.environment
    if measured.script_root is None:
        yield f"{folder.path} does not say which files it measured: its lines are those of the app that ran."
    elif measured.script_root != without_home(str(root)):
        yield f"{folder.path} measured the app in {measured.script_root}: its lines are those of that app."
    elif measured.app_digest not in (None, app_digest(root)):
        yield f"The app has changed since {folder.path} was measured: the lines of the run may have moved."


def served_at_once(subject: SubjectFindings) -> float | None:
    """The most calls that one worker process served at a time; None without a step of one user with times."""
    alone = together(level.figures.service for level in subject.levels if level.users == 1)
    if alone is None:
        return None
    return max(
        (level.throughput * alone.mean / level.setting.process_count for level in subject.levels if level.users > 1),
        default=None,
    )


def largest_memory(subjects: Sequence[SubjectFindings]) -> WorkerMemory | None:
    """The worker that needed the most; None where no host reports it."""
    peaks = [
        (level.figures.worker_peak_mb / level.setting.process_count, level.setting.in_words)
        for subject in subjects
        for level in (*subject.levels, *subject.arrivals)
        if level.figures.worker_peak_mb is not None
    ]
    if not peaks:
        return None
    largest, setting = max(peaks)
    return WorkerMemory(worker_mb=largest, setting=setting)
