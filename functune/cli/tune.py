"""functune tune."""

import asyncio
import json
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import click
import msgspec
from rich.console import Console

from functune import environ
from functune.cli.folders import existing_folder, new_run_path
from functune.cli.packages import chosen_python, package_options
from functune.cli.runs import PLAN_NAMES
from functune.cli.sweep import SIZES
from functune.errors import LoadError, UsageError
from functune.experiments.inputs import check_inputs, require_variables, with_inputs
from functune.experiments.model import Experiment, Strategy
from functune.experiments.requests import COLUMN, VARIABLE, RequestTemplate
from functune.hosts import registry
from functune.hosts.configured import configured_setting
from functune.hosts.kinds import HostKind
from functune.run.environment import collect_environment, without_secret
from functune.run.folder import EXPERIMENTS, RunFolder
from functune.setting import KNOBS, Setting

HARMLESS = {"accept", "accept-encoding", "accept-language", "cache-control", "content-type", "user-agent"}
"""Headers whose value is written into the experiment; that of any other may be a secret."""
SHORTEST_BUDGET, LONGEST_BUDGET = 20, 3600
"""Seconds."""
FORM_CONTENT, JSON_CONTENT = "application/x-www-form-urlencoded", "application/json"


class Duration(click.ParamType[float]):
    """A time such as ``90s``, ``2m`` or ``90``, in seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The seconds."""
        found = re.fullmatch(r"(\d+(?:\.\d+)?)(s|m|)", str(value))
        seconds = float(found[1]) * (60 if found[2] == "m" else 1) if found else 0.0
        if not SHORTEST_BUDGET <= seconds <= LONGEST_BUDGET:
            self.fail(f"{value!r}: allowed are {SHORTEST_BUDGET}s to {LONGEST_BUDGET // 60}m", param, ctx)
        return seconds


@click.command()
@click.argument("route")
@click.option(
    "--script-root", type=click.Path(path_type=Path), default=Path(), help="Folder of the app.  [default: this folder]"
)
@click.option("--host", default="local", show_default=True, metavar="local|func", help="The host to measure on.")
@click.option("-X", "--request", "method", metavar="METHOD", help="Method.  [default: GET, with a body POST]")
@click.option("-H", "--header", "headers", multiple=True, metavar="'NAME: VALUE'", help="Header; repeat it for more.")
@click.option("-d", "--data", metavar="TEXT|@FILE", help="Body, sent as a form unless a content type is given.")
@click.option("--json", "json_body", metavar="TEXT|@FILE", help="Body, sent as application/json.")
@click.option(
    "--for",
    "plan",
    type=click.Choice(PLAN_NAMES),
    default="local",
    show_default=True,
    help="Print settings for this plan.",
)
@click.option("--objective", default="", metavar="TEXT", help='Conditions to meet, such as "p95 < 300ms".')
@click.option(
    "--strategy",
    type=click.Choice(get_args(Strategy.__value__)),
    default="throughput",
    show_default=True,
    help="The aim of the recommended setting.",
)
@click.option(
    "--memory", type=click.Choice(SIZES), metavar="MB", help="Instance memory, for the costs and the settings."
)
@click.option(
    "--budget", type=Duration(), default="90s", show_default=True, help="Time for the whole command, such as 60s or 5m."
)
@click.option(
    "--now",
    "now",
    multiple=True,
    metavar="KEY=VALUE",
    help="A present app setting; repeat it for more.  [default: those of the environment and local.settings.json]",
)
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the run.  [default: runs/<date and time>]")
@package_options
def tune(
    route: str,
    script_root: Path,
    host: str,
    method: str | None,
    headers: tuple[str, ...],
    data: str | None,
    json_body: str | None,
    plan: str,
    budget: float,
    now: tuple[str, ...],
    out: Path | None,
    python: str | None,
    install: bool,
    **asked: Any,
) -> None:
    """
    Find the settings for one route of an app.

    It searches threads and processes within the budget of time, compares them with the present settings, and prints
    what to set. The run folder keeps the experiment, to be changed and repeated with `functune sweep`.

    Keep secrets in the environment, and write '${NAME}' in a header, the body or the route. The values of headers such
    as Authorization, and of ?code=, are never written to a file.

    \b
    Examples:
      functune tune '/api/items?limit=20'
      functune tune /api/orders -X POST --json '{"id": 7}' -H 'x-api-key: ${ORDERS_KEY}'
      functune tune /api/orders --json @order.json --for flex --memory 512 --budget 2m
      functune tune /api/items --now FUNCTIONS_WORKER_PROCESS_COUNT=2 --objective "p95 < 300ms"

    Exit codes: 0 fine, 2 wrong usage, 3 nothing, or not everything, could be measured, 130 interrupted by CTRL+C.
    """
    from functune.sweep.tuning import TuningAim

    began = time.monotonic()
    app = existing_folder(script_root)
    request, secrets = request_of(route, method=method, headers=headers, data=data, json_body=json_body)
    aim = TuningAim(
        objective=asked["objective"],
        strategy=asked["strategy"],
        memory_mb=int(asked["memory"]) if asked["memory"] else None,
        single_process=plan == "flex",
    )
    python = chosen_python(app, python=python, install=install)
    tuning = Tuning(
        app=app,
        kind=host_kind_of(host, python=python),
        host=host,
        python=python,
        request=request,
        aim=aim,
        budget=budget,
        began=began,
    )
    command = ["functune", *sys.argv[1:]]
    for secret in secrets.values():
        command = without_secret(command, secret)
    folder = tuning.folder(out or new_run_path(), present_setting(app, now), command=command)
    for name in secrets:
        click.echo(f"{name} is not written: set it in the environment to repeat the run.")
    tuning.run(folder)
    tuning.report(folder, plan=plan)


class Tuning(msgspec.Struct, frozen=True, kw_only=True):
    """One call of the command."""

    app: Path
    kind: HostKind
    host: str
    python: str | None
    """The interpreter whose packages the app gets; None for the packages that the app comes with."""
    request: RequestTemplate
    aim: Any
    """TuningAim of functune.sweep.tuning, which is imported only when it is needed."""
    budget: float
    """Seconds for the whole command."""
    began: float
    """The moment it began, by time.monotonic."""

    @property
    def deadline(self) -> float:
        """The moment at which the search ends."""
        from functune.sweep.tuning import REPORT_SECONDS

        return self.began + self.budget - REPORT_SECONDS

    def folder(self, path: Path, present: Setting, *, command: Sequence[str]) -> RunFolder:
        """A new run folder with the experiment, whose steps are as long as the first answer and the budget allow."""
        from functune.analysis.verdict.recommendation import aim_of
        from functune.sweep.tuning import tuning_experiment

        here = collect_environment(
            script_root=self.app, host=self.kind.name, host_kind=self.host, command=command, app_python=self.python
        )
        cores = here.machine_cores

        def made(latency: float) -> Experiment:
            return tuning_experiment(
                self.request, present, aim=self.aim, cores=cores, budget=self.budget, latency=latency
            )

        draft = made(0.0)
        aim_of(draft)
        check_inputs(draft, Path())
        require_variables(draft, Path(), environ.process_environ())
        latency = asyncio.run(self.first_latency(draft, present))
        packed, inputs = with_inputs(made(latency), Path())
        folder = RunFolder.create(path, [packed], here, inputs=inputs)
        click.echo(f"Experiment: {folder.path / EXPERIMENTS}")
        return folder

    async def first_latency(self, draft: Experiment, present: Setting) -> float:
        """Seconds of the first answer. Raises LoadError with what the app answered where the request fails."""
        from functune.sweep.preflight import preflight

        setting = draft.compared_with
        async with self.kind.running(self.app, setting=setting) as running:
            answers = await preflight([draft], running, folder=Path())
        return max(each.seconds for each in answers)

    def run(self, folder: RunFolder) -> None:
        """Search until the search or the time is over, and say what was not measured."""
        from functune.sweep.run import measure_run
        from functune.sweep.tuning import BudgetPlanner, unmeasured_in_words
        from functune.terminal.progress import shown

        planner = BudgetPlanner(cores=folder.environment.machine_cores, kind=self.kind, deadline=self.deadline)

        async def search() -> bool:
            """Whether the search came to its end."""
            try:
                async with asyncio.timeout(max(self.deadline - time.monotonic(), 0)):
                    await measure_run(
                        folder,
                        app=self.app,
                        kind=self.kind,
                        planner=planner,
                        on_progress=self.with_time_left(show),
                        calibrated=False,
                        checked=False,
                    )
            except TimeoutError:
                return False
            return not planner.was_cut

        with shown(Console()) as show:
            is_complete = asyncio.run(search())
        measured = folder.measurements()
        if not measured:
            raise LoadError(f"the budget of {self.budget:g} s ended before the first step: increase it with --budget")
        if not is_complete:
            left = planner.trials_left(folder.experiments[0], measured, [])
            words = unmeasured_in_words(left, measured)
            click.echo(f"The budget of {self.budget:g} s ended before the search did. Not measured: {words}.")

    def with_time_left(self, show: Callable[[Any], None]) -> Callable[[Any], None]:
        """Show events with no more time left than the budget has, and each new best where there is no bar."""
        from functune.sweep.events import StepFinished, TimeLeft
        from functune.terminal.progress import described, is_better

        best: list[Any] = []

        def shown(event: Any) -> None:
            if hasattr(event, "left"):
                seconds = min(event.left.seconds, max(self.deadline - time.monotonic(), 0))
                event = replace(event, left=TimeLeft(seconds=seconds, at_most=True))
            show(event)
            if isinstance(event, StepFinished) and (not best or is_better(event.measurement, best[-1])):
                best.append(event.measurement)
                if not sys.stdout.isatty():
                    click.echo(f"  best so far: {described(event.measurement)}")

        return shown

    def report(self, folder: RunFolder, *, plan: str) -> None:
        """Write the report, print its findings and the settings for a plan, and exit."""
        from functune.cli.runs import report_on
        from functune.terminal.findings import nothing_worked_text

        document = report_on(folder)
        if not all(findings.worked for findings in document.experiments):
            raise LoadError(nothing_worked_text(document.experiments, ()))
        for advice in document.apply:
            if advice.plan == plan and advice.fragment is not None:
                click.echo(f"\nFor a template of your own, on {plan}:\n\n{advice.fragment}")
                for note in advice.notes:
                    click.echo(f"{note}")
        sys.exit(0)


def host_kind_of(host: str, *, python: str | None) -> HostKind:
    """The kind of host. Raises UsageError for a URL, whose settings cannot be changed from here."""
    if "://" in host:
        raise UsageError(
            f"--host {host}: tune changes settings, which is not possible for an app at a URL: allowed are local and "
            "func; `functune sweep --host URL` measures the settings that an app has"
        )
    return registry.host_kind(host, python=python)


def present_setting(app: Path, now: Sequence[str]) -> Setting:
    """The present setting: that of the environment and local.settings.json, with the values of --now over it."""
    setting = configured_setting(app)
    named = {knob.variable: knob.name for knob in KNOBS if knob.variable is not None}
    others: dict[str, str] = {}
    for text in now:
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise UsageError(f"--now {text}: allowed is KEY=VALUE, such as FUNCTIONS_WORKER_PROCESS_COUNT=2")
        if name not in named:
            others[name] = value
        elif value.isdecimal() and int(value) > 0:
            setting = msgspec.structs.replace(setting, **{named[name]: int(value)})
        else:
            raise UsageError(f"--now {text}: allowed is a whole number from 1")
    return msgspec.structs.replace(setting, app_settings=tuple(sorted(others.items())))


def request_of(
    route: str, *, method: str | None, headers: Sequence[str], data: str | None, json_body: str | None
) -> tuple[RequestTemplate, dict[str, str]]:
    """
    The request of curl's flags, and the secrets in it by the variable that now contains each.

    Raises UsageError, which does not repeat a value, where it cannot be sent.
    """
    if data is not None and json_body is not None:
        raise UsageError("--data and --json are both given: allowed is one of them")
    secrets: dict[str, str] = {}

    def kept(name: str, value: str) -> str:
        if VARIABLE.search(value):
            return value
        variable = environ.keep_secret(name, value)
        secrets[variable] = value
        return f"${{{variable}}}"

    path = re.sub(r"(?<=[?&])(code)=([^&]+)", lambda found: f"{found[1]}={kept('code', found[2])}", route, flags=re.I)
    given = dict(map(header_of, headers))
    names = {name.lower() for name in given}
    fields: dict[str, Any] = {"name": "request", "route": path if path.startswith("/") else f"/{path}"}
    fields |= body_fields(data, json_body)
    content_type = (
        {}
        if "content-type" in names or not fields.keys() & {"body", "body_file"}
        else {"content-type": FORM_CONTENT if json_body is None else JSON_CONTENT}
    )
    fields["headers"] = content_type | {
        name: value if name.lower() in HARMLESS else kept(name, value) for name, value in given.items()
    }
    fields["method"] = (method or ("POST" if fields.keys() & {"body", "body_file"} else "GET")).upper()
    try:
        return msgspec.convert(fields, RequestTemplate), secrets
    except msgspec.ValidationError as error:
        raise UsageError(f"the request cannot be sent: {error}") from error


def header_of(text: str) -> tuple[str, str]:
    """Name and value of curl's ``-H 'Name: value'``. Raises UsageError, which does not repeat the value."""
    name, sign, value = text.partition(":")
    if not sign:
        raise UsageError("-H takes 'NAME: VALUE', and one has no colon")
    return name.strip(), value.strip()


def body_fields(data: str | None, json_body: str | None) -> dict[str, str]:
    """``body`` or ``body_file`` of a request; empty without a body. Raises UsageError where --json is not JSON."""
    text = data if json_body is None else json_body
    if text is None:
        return {}
    if text.startswith("@"):
        return {"body_file": text[1:]}
    if json_body is not None:
        try:
            json.loads(VARIABLE.sub("0", COLUMN.sub("0", json_body)))
        except json.JSONDecodeError as error:
            raise UsageError(f"--json is not JSON, at character {error.pos + 1}: {error.msg}") from error
    return {"body": text}
