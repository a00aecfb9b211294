"""functune sweep."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import click

from functune import environ
from functune.cli.agreement import yes_option
from functune.cli.answer import Answer, answers
from functune.cli.app import app_option
from functune.cli.azure_sweep import agree_to_resume, agreed_experiments
from functune.cli.completing import ExperimentPath, RunPath, complete_hosts
from functune.cli.finite import FiniteRange
from functune.cli.folders import existing_folder, shipped_experiments
from functune.cli.load import LOAD_FLAGS, announce_load_workers, load_options, load_overrides
from functune.cli.measuring import run_and_report
from functune.cli.memory import memory_option
from functune.cli.packages import chosen_python, package_options
from functune.cli.resuming import refuse_with_resume, reopened
from functune.cli.watching import watch_option
from functune.experiments.model import Experiment, SearchName, Strategy
from functune.experiments.sections import format_in_short
from functune.hosts import registry
from functune.hosts.azure import AzureKind
from functune.hosts.fitting import app_on_host
from functune.hosts.kinds import HostKind
from functune.hosts.served_app import ServedApp
from functune.run.folder import RunFolder
from functune.run.new_path import new_run_path

EXPERIMENT_FORMAT = """
The tables and keys of an experiment file; those marked * are required. docs/experiments.md describes them, and so does
an editor with the schema of `functune init --schema`:

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
@click.option(
    "--key", envvar=environ.URL_KEY, metavar="KEY", help="Function key of the URL; better given as FUNCTUNE_KEY."
)
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
    "--objective",
    metavar="CONDITIONS",
    help='Conditions that the setting must meet, such as "p95 < 300ms and errors < 1%".',
)
@click.option(
    "--strategy",
    type=click.Choice(get_args(Strategy.__value__)),
    help="The aim of the recommended setting.  [default: throughput]",
)
@memory_option
@click.option(
    "--max-cost",
    type=FiniteRange(min=0),
    metavar="USD",
    help="With --host azure:ID, refuse a sweep that can cost more.  [default: no limit]",
)
@yes_option
@click.option(
    "--no-profile",
    is_flag=True,
    help="Skip the profile, which takes a few seconds per route after the search and finds the lines at which calls "
    "wait.",
)
@click.option(
    "--no-calibration",
    is_flag=True,
    help="Skip the calibration, which measures the load generator alone, for two seconds before and after the run.",
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
    no_calibration: bool,
    max_cost: float | None,
    yes: bool,
    watch: bool,
    answer: Answer,
    **overrides: Any,
) -> None:
    """
    Run experiments and report which settings to use.

    Without a file, every experiment in ./experiments is run. The run folder gets experiment.toml, environment.json,
    measurements.jsonl, and the report with its files (see `functune report --help`).

    On the local host, each route is loaded once more at the end, with a sampler in the workers. The report shows the
    lines of your code at which its calls wait or compute, and profile.speedscope.json opens in
    https://www.speedscope.app.

    With --host func each setting gets a `func start` of its own, which starts the third and every later worker process
    10 s after the previous one. With a URL the app is measured with the settings it has: the experiments must list
    exactly those, as their only setting. functune sends load to no other URL.

    With --host azure:ID, where ID is the resource id of an app, functune first prints the time and the highest cost.
    Then it writes each setting to that app, which restarts. At the end functune restores the app's own settings.

    Where one process cannot send enough requests, --load-processes shares the users among several processes of this
    machine, and --load-workers among processes that you start on other machines; these need an app at a URL.

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
    measured, 130 interrupted by CTRL+C or SIGTERM.
    """
    from functune.sweep.beginning import experiments_and_inputs, require_usable_load

    if resume is not None:
        refuse_with_resume(files=files, out=out, python=python, install=install or None, **overrides)
        folder, app, kind = reopened(resume, script_root=script_root, entry=entry, host=host, key=key)
        if isinstance(kind, AzureKind):
            agree_to_resume(kind, folder, yes=yes, max_cost=max_cost)
        announce_load_workers(folder.experiments, folder.path, key=key)
    else:
        app = ServedApp(existing_folder(script_root or Path(), "--script-root"), entry)
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
    is_fine = run_and_report(
        folder,
        app=app,
        kind=kind,
        with_profile=not no_profile,
        calibrated=not no_calibration,
        watch=watch,
        answer=answer,
    )
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


def overridden(asked: Sequence[Experiment], *, memory: str | None, **flags: Any) -> list[Experiment]:
    """The experiments with the values of the flags. Raises UsageError for an objective that cannot be read."""
    from functune.sweep.beginning import with_values

    given = {name: value for name, value in flags.items() if value is not None}
    load: dict[str, Any] = {name: given.pop(name) for name in ("search", "repeats", "seed") if name in given}
    load |= load_overrides(**{name: given.pop(name, None) for name in LOAD_FLAGS})
    if memory:
        given["memory_mb"] = int(memory)
    return with_values(asked, given, load)
