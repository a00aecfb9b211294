"""functune sweep."""

import asyncio
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import click
from rich.console import Console

from functune import environ
from functune.cli.agreement import yes_option
from functune.cli.answer import AS_TEXT, Answer, answers
from functune.cli.app import app_option
from functune.cli.azure_sweep import agree_to_resume, agreed_experiments
from functune.cli.completing import ExperimentPath, RunPath, complete_hosts
from functune.cli.folders import existing_folder, shipped_experiments
from functune.cli.load import LOAD_FLAGS, announce_load_workers, load_options, load_overrides
from functune.cli.packages import chosen_python, package_options
from functune.cli.watching import start_watch, watch_option
from functune.errors import LoadError, UsageError
from functune.experiments.inputs import require_variables
from functune.experiments.model import Experiment, SearchName, Strategy
from functune.experiments.sections import format_in_short
from functune.formatting import plural
from functune.hosts import registry
from functune.hosts.azure import AzureKind
from functune.hosts.fitting import app_on_host
from functune.hosts.kinds import HostKind
from functune.hosts.served_app import ServedApp
from functune.run.environment import Environment
from functune.run.folder import FAILURES, RunFolder
from functune.run.measuring import being_measured
from functune.run.new_path import new_run_path
from functune.shapes import INSTANCE_MEMORY_MB
from functune.sweep.events import SweepFinished
from functune.web_servers import WEB_SERVERS

SIZES = list(map(str, INSTANCE_MEMORY_MB))
MEMORY_HELP = (
    f"Instance memory, {', '.join(SIZES[:-1])} or {SIZES[-1]}: a setting that needs more is not recommended.  "
    "[default: no condition, and the costs of 2048]"
)


EXPERIMENT_FORMAT = """
The tables and keys of an experiment file, those with * needed; docs/experiments.md describes them, and so does an
editor with the schema of `functune init --schema`:

\b
{tables}
"""


class SweepCommand(click.Command):
    """The command, with the format of experiment files in its help."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the tables and keys below the options; found here, since most calls show no help."""
        self.epilog = EXPERIMENT_FORMAT.format(tables=format_in_short())
        super().format_epilog(ctx, formatter)


@click.command(cls=SweepCommand)
@click.argument("files", nargs=-1, type=ExperimentPath(), metavar="[EXPERIMENT.toml]...")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the run.  [default: runs/<date and time>]")
@click.option(
    "--script-root",
    type=click.Path(path_type=Path),
    help="Folder of the app to measure.  [default: this folder; with --resume that of the run]",
)
@app_option
@click.option(
    "--resume",
    type=RunPath(),
    metavar="RUN",
    help="Continue the run of this folder, with its experiments, app and host; nothing is measured twice.",
)
@click.option(
    "--host",
    metavar=registry.HOST_CHOICES,
    shell_complete=complete_hosts,
    help=f"The host to measure: {registry.HOST_WORDS}.  [default: local; with --resume that of the run]",
)
@package_options
@load_options
@click.option("--key", envvar=environ.URL_KEY, help="Function key of the URL; better given as FUNCTUNE_KEY.")
@click.option(
    "--search",
    type=click.Choice(get_args(SearchName.__value__)),
    help="adaptive skips the steps that cannot change the answer; grid measures all.  [default: adaptive]",
)
@click.option("--repeats", type=click.IntRange(1, 50), metavar="N", help="Measure each deciding step N times.")
@click.option(
    "--seed", type=click.IntRange(0), metavar="N", help="Seed of the random order of steps and of the random arrivals."
)
@click.option(
    "--objective", metavar="TEXT", help='Conditions that the setting must meet, such as "p95 < 300ms and errors < 1%".'
)
@click.option(
    "--strategy",
    type=click.Choice(get_args(Strategy.__value__)),
    help="The aim of the recommended setting.  [default: throughput]",
)
@click.option(
    "--memory",
    type=click.Choice(SIZES),
    metavar="MB",
    help=MEMORY_HELP,
)
@click.option(
    "--max-cost",
    type=click.FloatRange(min=0),
    metavar="USD",
    help="With --host azure:ID, refuse a sweep that can cost more.  [default: no limit]",
)
@yes_option
@click.option(
    "--no-profile",
    is_flag=True,
    help="Skip the profile: a few seconds per route after the search, which find the lines that calls wait at.",
)
@watch_option
@answers()
def sweep(
    files: tuple[Path, ...],
    out: Path | None,
    script_root: Path | None,
    entry: str | None,
    resume: Path | None,
    host: str | None,
    python: str | None,
    install: bool,
    key: str | None,
    no_profile: bool,
    max_cost: float | None,
    yes: bool,
    watch: bool,
    answer: Answer,
    **overrides: Any,
) -> None:
    """
    Run experiments and report which settings to use.

    Where one process cannot send enough requests, --load-processes shares the users among several of this machine, and
    --load-workers among processes that you start on other machines; these need an app at a URL.

    Without a file, every experiment in ./experiments is run. The run folder gets experiment.toml, environment.json,
    measurements.jsonl, and the report with its files (see `functune report --help`).

    On the local host, each route is then loaded once more with a sampler in the workers. The report shows the lines of
    your code at which its calls wait or compute, and profile.speedscope.json opens in https://www.speedscope.app.

    With --host func each setting gets a `func start` of its own, which starts the third and every later worker process
    10 s after the previous one. With a URL the app is measured with the settings it has: the experiments must list
    exactly those, as their only setting. No other URL gets any load.

    With --host azure:ID, where ID is the resource id of an app, each setting is written to that app, which restarts. At
    the end it gets its own settings back. The time and the most that it costs are printed first.

    \b
    Examples:
      functune sweep
      functune sweep experiments/threads-blocking-io.toml --out runs/threads
      functune sweep --resume runs/threads
      functune sweep --watch --json > answer.json
      functune sweep my-app.toml --script-root ../my-app --install
      functune sweep --search grid --repeats 5 --objective "p95 < 300ms" --memory 512
      functune sweep experiments/threads-blocking-io.toml --host func
      functune sweep my-app.toml --load-processes 2
      FUNCTUNE_KEY=… functune sweep one-setting.toml --host https://my-app.azurewebsites.net
      FUNCTUNE_KEY=… functune sweep sizes.toml --host azure:/subscriptions/…/sites/my-app --max-cost 2

    Exit codes: 0 fine, 1 an expectation of an experiment failed, 2 wrong usage, 3 nothing, or not everything, could be
    measured, 130 interrupted by CTRL+C.
    """
    from functune.sweep.beginning import experiments_and_inputs, require_usable_load

    if resume is not None:
        refuse_with_resume(files=files, out=out, python=python, install=install or None, **overrides)
        folder, app, kind = reopened(resume, script_root=script_root, entry=entry, host=host, key=key)
        if isinstance(kind, AzureKind):
            agree_to_resume(kind, folder, yes=yes, max_cost=max_cost)
        announce_load_workers(folder.experiments, folder.path, key=key)
    else:
        app = ServedApp(existing_folder(script_root or Path()), entry)
        python = chosen_python(app.folder, python=python, install=install)
        app = app_on_host(app, host, python=python)
        asked, inputs = experiments_and_inputs(files or shipped_experiments())
        asked = overridden(asked, **overrides)
        require_usable_load(asked, host=host or "local", binds=overrides["load_bind"] is not None)
        folder, kind = created(
            asked,
            inputs=inputs,
            out=out or new_run_path(),
            app=app,
            host=host,
            key=key,
            python=python,
            yes=yes,
            max_cost=max_cost,
        )
        announce_load_workers(asked, folder.path, key=key)
    is_fine = run_and_report(folder, app=app, kind=kind, with_profile=not no_profile, watch=watch, answer=answer)
    sys.exit(0 if is_fine else 1)


def created(
    asked: Sequence[Experiment],
    *,
    inputs: Mapping[str, bytes],
    out: Path,
    app: ServedApp,
    host: str | None,
    key: str | None,
    python: str | None,
    yes: bool = False,
    max_cost: float | None = None,
) -> tuple[RunFolder, HostKind]:
    """
    A new run folder and the host kind. Raises UsageError for an app or settings that the host cannot apply.

    ``yes`` and ``max_cost`` are the user's agreement to change an app on Azure.
    """
    from functune.sweep.beginning import begin_run

    return begin_run(
        asked,
        inputs=inputs,
        out=out,
        app=app,
        host=host,
        key=key,
        python=python,
        command=["functune", *sys.argv[1:]],
        on_note=click.echo,
        agree=lambda kind, found: agreed_experiments(kind, found, yes=yes, max_cost=max_cost),
    )


def reopened(
    resume: Path, *, script_root: Path | None, entry: str | None, host: str | None, key: str | None
) -> tuple[RunFolder, ServedApp, HostKind]:
    """
    The run folder to continue, with the app and the host kind it was begun with.

    Raises UsageError when another app or host is named, RunFolderError when the app or the machine has changed.
    """
    from functune.sweep.beginning import environment_of, host_kind_for

    folder = RunFolder.open_to_resume(resume)
    begun = folder.environment
    app = ServedApp(app_of(begun, script_root), begun.app)
    if entry is not None and entry != begun.app:
        measured_app = "a function app" if begun.app is None else begun.app
        raise UsageError(f"--app {entry}: the run measures {measured_app}; omit --app, or begin another run")
    short = begun.host_kind.partition(":")[0] if begun.host_kind in WEB_SERVERS else begun.host_kind
    if host is not None and host.rstrip("/") not in (begun.host_kind, short):
        raise UsageError(f"--host {host}: the run measures on {begun.host_kind}; omit --host, or begin another run")
    python = str(Path(begun.app_python).expanduser()) if begun.app_python else None
    kind = host_kind_for(folder.experiments, begun.host_kind, key=key, python=python)
    for experiment in folder.experiments:
        require_variables(experiment, folder.path, environ.process_environ())
    command = ["functune", *sys.argv[1:]]
    folder.reopen(environment_of(app, kind, host=begun.host_kind, key=key, python=python, command=command))
    return folder, app, kind


def app_of(begun: Environment, script_root: Path | None) -> Path:
    """The folder of the app of a run. Raises UsageError when ``script_root`` is another folder, or the app is gone."""
    if begun.script_root is None:  # the app runs at a URL
        if script_root is not None:
            raise UsageError(f"--script-root {script_root}: the run measures the app at {begun.host_kind}; omit it")
        return Path()
    app = Path(begun.script_root).expanduser()
    if script_root is not None and script_root.resolve() != app.resolve():
        raise UsageError(
            f"--script-root {script_root}: the run measures the app in {app}; omit --script-root, or begin another run"
        )
    if not app.is_dir():
        raise UsageError(f"the app of the run was in {app}, and there is no such folder now; begin another run")
    return app


def run_and_report(
    folder: RunFolder,
    *,
    app: ServedApp,
    kind: HostKind,
    with_profile: bool,
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
        with being_measured(folder.path):
            if watch:
                start_watch(folder.path)
            end = measured(folder, app=app, kind=kind)
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


def measured(folder: RunFolder, *, app: ServedApp, kind: HostKind) -> SweepFinished:
    """Measure the run, showing its progress. Returns its last event."""
    # Imported here: commands that only read a run folder start without the load generator.
    from functune.sweep.planner import SearchPlanner
    from functune.sweep.run import measure_run
    from functune.terminal.progress import shown

    planner = SearchPlanner(cores=folder.environment.machine_cores)
    with shown(Console()) as show:
        return asyncio.run(measure_run(folder, app=app, kind=kind, planner=planner, on_progress=show))


def write_profile_of(folder: RunFolder, *, app: ServedApp, kind: HostKind) -> None:
    """Profile the subjects of a finished run, saying what could not be profiled."""
    from functune.report.document import find_all
    from functune.sweep.profile import profile_run, profile_targets

    targets = profile_targets(find_all(folder))
    asyncio.run(profile_run(folder, targets, app=app, kind=kind, on_note=click.echo))


def refuse_with_resume(*, files: Sequence[Path], out: Path | None, **overrides: Any) -> None:
    """Raise UsageError for arguments that would change a run that was begun."""
    if files or out is not None:
        raise UsageError("--resume RUN continues the experiments of that run: omit the files and --out")
    if given := [f"--{name.replace('_', '-')}" for name, value in overrides.items() if value is not None]:
        raise UsageError(f"{', '.join(given)} with --resume: a run continues as it was begun; omit it, or measure anew")


def overridden(asked: Sequence[Experiment], *, memory: str | None, **flags: Any) -> list[Experiment]:
    """The experiments with the values of the flags. Raises UsageError for an objective that cannot be read."""
    from functune.sweep.beginning import with_values

    given = {name: value for name, value in flags.items() if value is not None}
    load: dict[str, Any] = {name: given.pop(name) for name in ("search", "repeats", "seed") if name in given}
    load |= load_overrides(**{name: given.pop(name, None) for name in LOAD_FLAGS})
    if memory:
        given["memory_mb"] = int(memory)
    return with_values(asked, given, load)
