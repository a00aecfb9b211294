"""The command line: parse, call, print, exit code. Nothing here decides anything."""

import asyncio
import functools
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec
from rich.console import Console

from functune import environ, environment, experiments
from functune import probe as probing
from functune.errors import FunctuneError, HostError, LoadError, RunFolderError, SettingsError, UsageError
from functune.host import settings
from functune.hosts import registry
from functune.hosts.configured import configured_setting

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from functune.hosts.kinds import RunningHost


class Commands(click.Group):
    """A group whose commands end with a message and an exit code instead of a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command: UsageError ends with 2, another FunctuneError with 3, unless the command says otherwise."""
        try:
            return super().invoke(ctx)
        except UsageError as error:
            click.echo(f"functune: {error}", err=True)
            sys.exit(2)
        except FunctuneError as error:
            click.echo(f"functune: {error}", err=True)
            sys.exit(3)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="functune")
def main() -> None:
    """Load-test and tune the concurrency settings of Azure Functions Python apps, on one machine."""


@main.command()
@click.option(
    "--script-root",
    type=click.Path(path_type=Path),
    default=Path(),
    help="Folder of the app: the one with host.json and function_app.py.  [default: this folder]",
)
@click.option(
    "-p", "--port", type=click.IntRange(0, 65535), help="Port to listen on; 0 takes a free one.  [default: 7071]"
)
@click.option("--address", help="Address to listen on.  [default: 127.0.0.1]")
@click.option("--functions", multiple=True, metavar="NAME", help="Load only this function; repeat it for more.")
@click.option("--verbose", is_flag=True, help="Show what the host and the runtime log, and every invocation.")
@click.option(
    "--worker-startup-interval",
    type=click.FloatRange(0, settings.MAX_STARTUP_INTERVAL),
    default=settings.DEFAULT_STARTUP_INTERVAL,
    show_default=True,
    metavar="SECONDS",
    help="Pause before the third and every later worker process, as the real host makes one.",
)
@click.option(
    "--no-startup-stall",
    is_flag=True,
    help="Serve on while the third or a later worker process starts; the real host has all calls wait.",
)
@click.option(
    "--enable-auth",
    is_flag=True,
    help="Ask for FUNCTUNE_FUNCTION_KEY or FUNCTUNE_MASTER_KEY, in x-functions-key or ?code=. Open without it.",
)
@click.option(
    "--per-instance-concurrency",
    type=click.IntRange(1, 1000),
    metavar="N",
    help="Let N requests in at a time, as one Flex Consumption instance does; the others wait in order.",
)
@click.option(
    "--watch/--no-watch",
    default=True,
    show_default=True,
    help="Load the app again when its *.py, host.json or local.settings.json change.",
)
@click.option("--end-with", type=int, hidden=True, help="Pid of the program that started this host; it ends with it.")
def serve(
    script_root: Path,
    port: int | None,
    address: str | None,
    functions: tuple[str, ...],
    verbose: bool,
    worker_startup_interval: float,
    no_startup_stall: bool,
    enable_auth: bool,
    per_instance_concurrency: int | None,
    watch: bool,
    end_with: int | None,
) -> None:
    """
    Run a Python v2 function app in Microsoft's own worker runtime.

    Unlike the real host it runs HTTP triggers only and leaves no call hanging; docs/local-host.md compares the two.

    \b
    Examples:
      functune serve
      functune serve --script-root ../my-app --port 0
      FUNCTIONS_WORKER_PROCESS_COUNT=2 PYTHON_THREADPOOL_THREAD_COUNT=16 functune serve

    Exit codes: 0 stopped by CTRL+C or SIGTERM, 1 the app or the host could not run, 2 wrong usage.
    """
    # Imported here: `functune --help` and the commands that only read a run folder start without the host.
    import uvloop

    from functune.host import console
    from functune.host.parent import end_with_parent
    from functune.host.server import serve_until_stopped

    if end_with is not None:
        end_with_parent(signal.SIGKILL, parent=end_with)  # the workers end with this process in turn

    try:
        read = functools.partial(
            settings.read_host_settings,
            script_root=script_root,
            address=address,
            port=port,
            functions=functions,
            verbose=verbose,
            startup_interval=worker_startup_interval,
            startup_stall=not no_startup_stall,
            enable_auth=enable_auth,
            per_instance_concurrency=per_instance_concurrency,
        )
        uvloop.run(serve_until_stopped(read(), console.Console(verbose=verbose), reread=read if watch else None))
    except (HostError, LoadError, SettingsError) as error:
        click.echo(f"functune: {error}", err=True)
        sys.exit(1)


@main.command()
@click.argument("url", required=False)
@click.option(
    "--host", type=click.Choice(list(registry.STARTED_KINDS)), help="Start this host for the probe, and stop it after."
)
@click.option(
    "--script-root",
    type=click.Path(path_type=Path),
    help="Folder of the app that --host starts.  [default: this folder]",
)
@click.option("--key", envvar=environ.URL_KEY, help="Function key of a deployed app; better given as FUNCTUNE_KEY.")
@click.option(
    "--largest-wave",
    type=click.IntRange(probing.SMALLEST_LAST_WAVE, probing.MAX_LARGEST_WAVE),
    default=probing.DEFAULT_LARGEST_WAVE,
    show_default=True,
    help="Most calls to fire at once; a pool of more than half as many threads is reported as 'at least'.",
)
def probe(url: str | None, host: str | None, script_root: Path | None, key: str | None, largest_wave: int) -> None:
    """
    Count from outside how many workers and threads serve, beside what is configured.

    URL is the base of a running copy of the showcase app. Without it, --host starts one with the settings of the
    environment and of local.settings.json: functune's own host, or `func start` of Core Tools.

    \b
    Examples:
      functune probe http://127.0.0.1:7071
      PYTHON_THREADPOOL_THREAD_COUNT=16 functune probe --host local
      functune probe --host func --script-root ../my-copy
      FUNCTUNE_KEY=… functune probe https://my-app.azurewebsites.net

    Exit codes: 0 they agree, 1 they do not, 2 wrong usage, 3 the app could not be measured.
    """

    def show(wave: probing.Wave) -> None:
        click.echo(f"wave of {wave.size:>4}: {len(wave.threads)} worker(s), {wave.total_threads} thread(s)")

    count = functools.partial(probing.probe_app, largest_wave=largest_wave, on_wave=show)

    async def count_on(starting: "AbstractAsyncContextManager[RunningHost]") -> probing.ProbeReport:
        async with starting as running:
            return await count(running.base_url)

    if url is not None and host is None and script_root is None:
        report = asyncio.run(count(url, key=key))
    elif url is None and host is not None:
        root = _folder(script_root or Path())
        setting = configured_setting(root)
        report = asyncio.run(count_on(registry.host_kind(host).running(root, setting=setting)))
    else:
        raise UsageError(
            "probe takes either the URL of a running copy of the app, or --host local or --host func to start one "
            "(--script-root says where its app is)"
        )
    click.echo("")
    for line in probing.describe(report):
        click.echo(line)
    sys.exit(1 if report.disagreements else 0)


@main.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[EXPERIMENT.toml]...")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the run.  [default: runs/<date and time>]")
@click.option(
    "--script-root",
    type=click.Path(path_type=Path),
    default=Path(),
    help="Folder of the app to measure.  [default: this folder]",
)
@click.option(
    "--resume",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="Go on with the run of this folder; nothing that was measured is measured again.",
)
@click.option(
    "--host",
    default="local",
    show_default=True,
    metavar=registry.HOST_CHOICES,
    help=f"The host to measure: {registry.HOST_WORDS}.",
)
@click.option("--key", envvar=environ.URL_KEY, help="Function key of the URL; better given as FUNCTUNE_KEY.")
@click.option(
    "--search",
    type=click.Choice(["adaptive", "grid"]),
    help="Skip the steps that cannot change the answer, or measure every one.  [default: adaptive]",
)
@click.option("--repeats", type=click.IntRange(1, 50), metavar="N", help="Measure each step that decides N times.")
@click.option("--seed", type=click.IntRange(0), metavar="N", help="Of the random order and the random arrivals.")
@click.option("--objective", metavar="TEXT", help='What a setting must keep, such as "p95 < 300ms and errors < 1%".')
@click.option(
    "--strategy",
    type=click.Choice(["throughput", "latency", "cost", "balanced"]),
    help="What the best setting is best at.  [default: throughput]",
)
@click.option(
    "--memory",
    type=click.Choice(["512", "2048", "4096"]),
    metavar="MB",
    help="Instance memory to reckon costs with: 512, 2048 or 4096.  [default: 2048]",
)
def sweep(
    files: tuple[Path, ...],
    out: Path | None,
    script_root: Path,
    resume: Path | None,
    host: str,
    key: str | None,
    **overrides: Any,
) -> None:
    """
    Run experiments and report what to set.

    Without a file, every experiment in ./experiments is run. The run folder gets experiment.toml, environment.json,
    measurements.jsonl, and the report with its files (see `functune report --help`).

    With --host func each setting gets a `func start` of its own, which starts the third and every later worker process
    10 s after the one before. With a URL the app is measured with the settings it has: the experiments must name
    exactly those, as their one setting. Only the URL named is put under load.

    \b
    Examples:
      functune sweep
      functune sweep experiments/threads-blocking-io.toml --out runs/threads
      functune sweep --resume runs/threads
      functune sweep --search grid --repeats 5 --objective "p95 < 300ms" --memory 512
      functune sweep experiments/threads-blocking-io.toml --host func
      FUNCTUNE_KEY=… functune sweep one-setting.toml --host https://my-app.azurewebsites.net

    Exit codes: 0 fine, 1 an expectation of an experiment failed, 2 wrong usage, 3 nothing, or not everything, could be
    measured.
    """
    from functune.planning import planner
    from functune.progress import shown
    from functune.sweep import Event, TrialFailed
    from functune.sweep import sweep as run_sweep

    _folder(script_root)
    if resume is not None:
        if files or out is not None:
            raise UsageError("--resume RUN takes the experiments of that run: leave out the files and --out")
        files, out = (resume / experiments.FILE_NAME,), resume
    asked = [experiment for file in files or _shipped() for experiment in experiments.load(file)]
    experiments.require_unique_names(asked)
    asked = _overridden(asked, resume=resume, **overrides)
    kind = registry.host_kind(host, key=key, route=asked[0].workload.routes[0])
    kind.require_settable(
        dict.fromkeys(trial.setting for asking in asked for trial in experiments.trials(asking)),
        with_target=[asking.name for asking in asked if asking.workload.target is not None],
    )
    out = out or Path("runs") / datetime.now(UTC).strftime("%Y-%m-%d-%H%M%S")
    failed = 0
    with shown(Console()) as show:

        def follow(event: Event) -> None:
            nonlocal failed
            failed += isinstance(event, TrialFailed)
            show(event)

        command = environment.without_secret(["functune", *sys.argv[1:]], key)
        asyncio.run(
            run_sweep(
                asked,
                out=out,
                script_root=script_root,
                on_progress=follow,
                planner=planner(cores=environment.usable_cores() if kind.runs_script_root else None),
                resume=resume is not None,
                command=command,
                host_kind=kind,
            )
        )
    passed = _report(out)
    if failed:
        raise LoadError(
            f"{failed} trial(s) could not be measured, see {out / 'failures.jsonl'}; the report has the others"
        )
    sys.exit(0 if passed else 1)


@main.command()
@click.argument("folder", type=click.Path(path_type=Path), metavar="RUN")
@click.option(
    "--beside",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="RUN",
    help="Run of the same routes on another server, to show beside this one; repeat it for more.",
)
def report(folder: Path, beside: tuple[Path, ...]) -> None:
    """
    Draw the report of a run again from what was measured, without measuring; also of a run that is not over.

    Writes report.html, summary.md, recommendation.json, report.json, measurements.csv and junit.xml.

    \b
    Examples:
      functune report runs/2026-11-21-063000
      functune report runs/local --beside runs/gunicorn

    Exit codes: 0 fine, 1 an expectation of an experiment failed, 2 wrong usage, 3 the folder holds no usable run.
    """
    sys.exit(0 if _report(folder, beside) else 1)


@main.command()
@click.argument("folder", type=click.Path(path_type=Path), metavar="RUN")
@click.option(
    "--plan",
    type=click.Choice(["local", "flex", "premium"]),
    help="Hosting plan the settings are for; the process count is not valid on flex.  [default: the run's, or local]",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["json", "local-settings", "bicep", "commands"]),
    default="json",
    show_default=True,
    help="The evidence as JSON, or settings to apply: local.settings.json, a .bicepparam file, az commands.",
)
@click.option("--experiment", metavar="NAME", help="The experiment to take settings from, where a run has several.")
def recommend(folder: Path, plan: str | None, form: str, experiment: str | None) -> None:
    """
    Print the recommendation of a run: the evidence, or the settings in the form a plan takes them.

    \b
    Examples:
      functune recommend runs/2026-11-21-063000 | jq '.experiments[].advice'
      functune recommend runs/2026-11-21-063000 --experiment threads-blocking-io --plan flex --format bicep
      functune recommend runs/2026-11-21-063000 --experiment threads-blocking-io --plan premium --format commands

    Exit codes: 0 fine, 2 wrong usage, 3 the folder holds no usable run.
    """
    from functune.report import run_folder
    from functune.report.recommendation_file import recommendation_json
    from functune.report.settings_files import one_of, settings_text

    contents = run_folder.read_contents(folder, plan=plan)
    if form == "json":
        if experiment is not None:
            raise UsageError(
                "--experiment goes with --format local-settings, bicep or commands: JSON holds all of them"
            )
        click.echo(recommendation_json(contents), nl=False)
        return
    found = one_of(contents.apply, plan=plan or run_folder.plan_of(contents), experiment=experiment)
    click.echo(settings_text(found, form), nl=False)


@main.command()
@click.argument("before", type=click.Path(path_type=Path), metavar="BEFORE")
@click.argument("after", type=click.Path(path_type=Path), metavar="AFTER")
@click.option(
    "--margin",
    type=click.FloatRange(0, 0.99),
    default=0.05,
    show_default=True,
    help="Relative change from which a difference matters: 0.05 is 5 %.",
)
def compare(before: Path, after: Path, margin: float) -> None:
    """
    Say what got better or worse from one run to another, and what cannot be said.

    Steps are matched by experiment, route, setting and load. A figure is worse when its repeats say so and it changed
    by the margin; an expectation that held and fails now is worse too.

    \b
    Examples:
      functune compare runs/main runs/branch
      functune compare runs/main runs/branch --margin 0.1

    Exit codes: 0 nothing got worse, 1 something did, 2 wrong usage, 3 the runs have no step in common.
    """
    from functune.report import run_folder
    from functune.report.comparison_text import comparison_text, environment_warnings

    found, environments = run_folder.compare_runs(before, after, margin=margin)
    if not found.matched:
        raise RunFolderError(
            f"{before} and {after} have no step in common: compare runs of the same experiments, "
            "with the same routes, settings and numbers of users"
        )
    for warning in environment_warnings(*environments):
        click.echo(f"Warning: {warning}")
    click.echo(comparison_text(found))
    sys.exit(1 if found.got_worse else 0)


@main.command()
@click.argument("folder", type=click.Path(path_type=Path), metavar="RUN")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("docs"),
    show_default=True,
    help="Folder for lessons.md and its pictures.",
)
def lessons(folder: Path, out: Path) -> None:
    """
    Write lessons.md from a run: what each experiment shows, with a picture and the figures it rests on.

    \b
    Example:
      functune lessons runs/2026-11-21-063000

    Exit codes: 0 fine, 2 wrong usage, 3 the folder holds no usable run.
    """
    from functune.report.lessons import write

    click.echo(write(folder, out))


def _overridden(
    asked: Sequence[experiments.Experiment], *, resume: Path | None, memory: str | None, **flags: Any
) -> list[experiments.Experiment]:
    """The experiments with what flags say instead of their files; checked, so that nothing is measured in vain."""
    from functune.analysis.recommendation import aim

    given = {name: value for name, value in flags.items() if value is not None}
    if resume is not None and (given or memory):
        names = ", ".join(f"--{name}" for name in [*given, *(["memory"] if memory else [])])
        raise UsageError(f"{names} beside --resume: a run goes on as it was begun; leave it out, or measure anew")
    load = {name: given.pop(name) for name in ("search", "repeats", "seed") if name in given}
    if memory:
        given["memory_mb"] = int(memory)
    changed = [msgspec.structs.replace(one, **given, load=msgspec.structs.replace(one.load, **load)) for one in asked]
    for one in changed:
        aim(one)
    return changed


def _folder(script_root: Path) -> Path:
    if not script_root.is_dir():
        raise UsageError(f"--script-root {script_root}: there is no such folder")
    return script_root


def _shipped() -> list[Path]:
    found = sorted(Path("experiments").glob("*.toml"))
    if not found:
        raise UsageError("there is no experiments/*.toml here; name the experiment files to run")
    return found


def _report(folder: Path, beside: Sequence[Path] = ()) -> bool:
    """Write and announce the report; whether no expectation fails."""
    from functune.report import run_folder

    analyses = run_folder.write(folder, beside=beside)
    for analysis in analyses:
        click.echo(f"\n{analysis.experiment.question}\n  {analysis.verdict}")
        for recommended in analysis.recommendations:
            click.echo(f"  {recommended.certainty or recommended.reason}")
        for warning in analysis.warnings:
            click.echo(f"  Warning: {warning}")
        for advice in analysis.advice:
            for name, value in advice.settings_to_set.items():
                click.echo(f"    {name}={value}" if value is not None else f"    leave {name} unset")
        for outcome in analysis.outcomes:
            mark = "FAILS" if outcome.result == "fails" else outcome.result
            reason = f"; {outcome.reason}" if outcome.reason else ""
            click.echo(
                f"  {mark}: {outcome.claim} (observed {outcome.observed_text}, allowed {outcome.allowed}{reason})"
            )
    click.echo(f"\nReport: {(folder / run_folder.REPORT).resolve().as_uri()}")
    return all(analysis.passed for analysis in analyses)


if __name__ == "__main__":
    main()
