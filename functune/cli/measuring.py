"""The measuring part of functune sweep and functune demo: the steps, the profile, the report, and how they end."""

import asyncio
import shlex

import click
from rich.console import Console

from functune.cli.answer import AS_TEXT, Answer
from functune.cli.watching import start_watch
from functune.errors import LoadError
from functune.formatting import plural
from functune.hosts.kinds import HostKind
from functune.hosts.served_app import ServedApp
from functune.load.locust_process import shared_fork_server
from functune.run.folder import FAILURES, RunFolder
from functune.run.measuring import being_measured
from functune.sweep.events import SweepFinished


def run_and_report(
    folder: RunFolder,
    *,
    app: ServedApp,
    kind: HostKind,
    with_profile: bool,
    calibrated: bool = True,
    watch: bool = False,
    answer: Answer = AS_TEXT,
) -> bool:
    """
    Measure and report; returns whether every expectation of the experiments holds.

    Raises LoadError when an experiment has no step that worked, or a trial could not be measured, and KeyboardInterrupt
    with a sentence that says how to resume.
    """
    from functune.cli.runs import report_on, require_worked

    try:
        with being_measured(folder.path), shared_fork_server():
            if watch:
                start_watch(folder.path)
            end = measured(folder, app=app, kind=kind, calibrated=calibrated)
            if with_profile:
                write_profile_of(folder, app=app, kind=kind)
            document = report_on(folder, answer=answer)
    except KeyboardInterrupt as interrupt:
        raise KeyboardInterrupt(
            f"{folder.path} keeps everything measured so far. "
            f"Continue with `functune sweep --resume {shlex.quote(str(folder.path))}`"
        ) from interrupt
    require_worked(document, end.routes)
    if end.failures:
        raise LoadError(
            f"{plural(end.failures, 'trial')} could not be measured, see {folder.path / FAILURES}; "
            "the report has the others"
        )
    return document.passed


def measured(folder: RunFolder, *, app: ServedApp, kind: HostKind, calibrated: bool) -> SweepFinished:
    """Measure the run, showing its progress. Returns its last event."""
    # Imported here: commands that only read a run folder start without the load generator.
    from functune.sweep.planner import SearchPlanner
    from functune.sweep.run import measure_run
    from functune.terminal.progress import shown

    planner = SearchPlanner(cores=folder.environment.machine_cores)
    with shown(Console()) as show:
        return asyncio.run(
            measure_run(folder, app=app, kind=kind, planner=planner, on_progress=show, calibrated=calibrated)
        )


def write_profile_of(folder: RunFolder, *, app: ServedApp, kind: HostKind) -> None:
    """Profile the subjects of a finished run, saying what could not be profiled."""
    from functune.report.document import find_all
    from functune.sweep.profile import profile_run, profile_targets

    targets = profile_targets(find_all(folder))
    asyncio.run(profile_run(folder, targets, app=app, kind=kind, on_note=click.echo))
