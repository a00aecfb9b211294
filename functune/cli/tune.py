"""functune tune."""

import re
import shlex
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import click
import msgspec

from functune import environ
from functune.app_service.generated import GUNICORN_ARGUMENTS, NO_FASTAPI, STARTUP_SETTINGS, WEB_CONCURRENCY
from functune.azure.site_id import names_site
from functune.cli.answer import Answer, answers
from functune.cli.app import app_option
from functune.cli.completing import complete_hosts
from functune.cli.curl import request_of
from functune.cli.folders import existing_folder, new_run_path
from functune.cli.load import LOAD_FLAGS, announce_load_workers, load_options, load_overrides
from functune.cli.packages import chosen_python, package_options
from functune.cli.runs import PLAN_NAMES, instance_options
from functune.cli.sweep import MEMORY_HELP, SIZES
from functune.cli.tune_run import Tuning
from functune.cli.watching import start_watch, watch_option
from functune.errors import UsageError
from functune.experiments.model import Strategy
from functune.host.local_settings import read_local_settings
from functune.hosts import registry
from functune.hosts.configured import configured_setting, server_setting
from functune.hosts.fitting import GUNICORN, app_on_host, fitting_host
from functune.hosts.served_app import ServedApp
from functune.run.environment import without_secret
from functune.run.measuring import being_measured
from functune.setting import KNOBS, THREAD_COUNT, WEB_SERVERS, Setting, is_app_service

SHORTEST_BUDGET, LONGEST_BUDGET = 20, 3600
"""Seconds."""


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
@app_option
@click.option(
    "--host",
    metavar="|".join(registry.STARTED_KINDS),
    shell_complete=complete_hosts,
    help=f"The host: {registry.STARTED_WORDS}.  [default: local; for --app, and for a plan without Functions, Gunicorn "
    "with the workers that fit]",
)
@click.option("-X", "--request", "method", metavar="METHOD", help="Method.  [default: GET, with a body POST]")
@click.option("-H", "--header", "headers", multiple=True, metavar="'NAME: VALUE'", help="Header; repeat it for more.")
@click.option("-d", "--data", metavar="TEXT|@FILE", help="Body, sent as a form unless a content type is given.")
@click.option("--json", "json_body", metavar="TEXT|@FILE", help="Body, sent as application/json.")
@click.option(
    "--values",
    metavar="FILE.csv",
    help="Values for {column} in the route and {{column}} in the body, a row for each request.",
)
@click.option(
    "--for",
    "plan",
    type=click.Choice(PLAN_NAMES),
    default="local",
    show_default=True,
    help="Plan to print the settings for. On flex, which has one worker process, only threads are searched; "
    "app-service and container-apps run web servers.",
)
@instance_options
@click.option("--objective", default="", metavar="TEXT", help='Conditions to meet, such as "p95 < 300ms".')
@click.option(
    "--strategy",
    type=click.Choice(get_args(Strategy.__value__)),
    default="throughput",
    show_default=True,
    help="The aim of the recommended setting.",
)
@click.option("--memory", type=click.Choice(SIZES), metavar="MB", help=MEMORY_HELP)
@click.option(
    "--budget",
    type=Duration(),
    default="90s",
    show_default=True,
    help="Time for the whole command without --install, from 20s to 60m.",
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
@load_options
@watch_option
@answers(with_flag=False)  # --json is curl's
def tune(
    route: str,
    script_root: Path,
    entry: str | None,
    host: str | None,
    method: str | None,
    headers: tuple[str, ...],
    data: str | None,
    json_body: str | None,
    values: str | None,
    plan: str,
    budget: float,
    now: tuple[str, ...],
    out: Path | None,
    python: str | None,
    install: bool,
    watch: bool,
    answer: Answer,
    **asked: Any,
) -> None:
    """
    Find the settings for one route of an app.

    ROUTE is its path with the query, such as '/api/items?limit=20'.

    The app is a function app, or with --app any WSGI or ASGI app, such as Flask, Django or FastAPI.

    It searches threads and processes within the budget of time, compares them with the app's present settings, and
    looks for the line of code at which the calls wait. It prints what to set and why. The run folder keeps the
    experiment, which can be changed and repeated with `functune sweep`.

    Keep secrets in the environment, and write '${NAME}' in a header, the body or the route. Without that, a body given
    as TEXT and the values of ?code= and of headers such as Authorization are not written to a file either. A FILE is
    copied into the run folder as it is.

    \b
    Examples:
      functune tune '/api/items?limit=20'
      functune tune /api/orders -X PUT --json '{"id": 7}' -H 'x-api-key: ${ORDERS_KEY}'
      functune tune /api/orders --json @order.json --for flex --memory 512 --budget 2m
      functune tune '/api/orders/{id}' --values ids.csv
      functune tune /api/items --format json | jq '.experiments[0].advice'
      functune tune /api/items --now FUNCTIONS_WORKER_PROCESS_COUNT=2 --objective "p95 < 300ms"
      functune tune /orders --app src.app:app --script-root ../flask-app
      functune tune /orders --app src.main:app --host uvicorn --now WEB_CONCURRENCY=2

    Exit codes: 0 fine, 2 wrong usage, 3 the app could not be loaded, its answer was a failure, or nothing could be
    measured, 130 interrupted by CTRL+C.
    """
    from functune.plans.registry import asked_of
    from functune.sweep.tuning import TuningAim

    on_plan = asked_of(plan, size=asked["size"], replicas=asked["replicas"])
    app = ServedApp(existing_folder(script_root), entry)
    request, secrets = request_of(route, method=method, headers=headers, data=data, json_body=json_body, values=values)
    aim = TuningAim(
        objective=asked["objective"],
        strategy=asked["strategy"],
        memory_mb=int(asked["memory"]) if asked["memory"] else None,
        single_process=plan == "flex",
    )
    python = chosen_python(app.folder, python=python, install=install)
    began = time.monotonic()
    host = tuned_host(host, app, plan=plan, python=python)
    app = app_on_host(app, host, python=python)
    sending = load_overrides(**{name: asked[name] for name in LOAD_FLAGS})
    tuning = Tuning(
        app=app,
        kind=registry.host_kind(host, python=python),
        host=host,
        python=python,
        request=request,
        aim=aim,
        budget=budget,
        began=began,
        sending=sending,
    )
    command = ["functune", *sys.argv[1:]]
    for secret in secrets.values():
        command = without_secret(command, secret)
    folder = tuning.folder(out or new_run_path(), present_setting(app, host, now), command=command)
    announce_load_workers(folder.experiments, folder.path)
    for name in secrets:
        click.echo(f"To repeat the run, set {name} in the environment: its value is not written.")
    try:
        with being_measured(folder.path):
            if watch:
                start_watch(folder.path)
            tuning.search(folder)
            tuning.profile(folder)
            tuning.report(folder, plan=plan, asked=on_plan, answer=answer)
    except KeyboardInterrupt as interrupt:
        raise KeyboardInterrupt(
            f"{folder.path} keeps everything measured so far. "
            f"Report on it with `functune report {shlex.quote(str(folder.path))}`"
        ) from interrupt


def tuned_host(host: str | None, app: ServedApp, *, plan: str, python: str | None) -> str:
    """
    The full name of the host; without a name the one that fits the app, and Gunicorn for a plan without Functions.

    Raises UsageError for a URL, whose settings cannot be changed from here, for a host that does not run the app, and
    for a plan that does not have the host.
    """
    if host is not None and "://" in host:
        raise UsageError(
            "--host with a URL: tune changes settings, which is not possible for an app at a URL: allowed are "
            f"{', '.join(registry.STARTED_KINDS)}; `functune sweep --host URL` measures the settings that an app has"
        )
    if names_site(host):
        raise UsageError(
            "--host azure:ID: each setting would restart the app, which takes longer than a search within a budget: "
            "`functune sweep --host azure:ID` measures the settings of an experiment there"
        )
    from functune.plans.registry import PLANS

    if host is None and not PLANS[plan].allows(Setting(host="local")):
        host = GUNICORN
    name = fitting_host(host, app, python=python)
    on_host = Setting(host=name)
    if not PLANS[plan].allows(on_host):
        allowed = ", ".join(each for each, other in PLANS.items() if other.allows(on_host))
        raise UsageError(f"--for {plan} with --host {name}, which {PLANS[plan].title} does not run: allowed: {allowed}")
    return name


def present_setting(app: ServedApp, host: str, now: Sequence[str]) -> Setting:
    """
    The present setting: that of the environment, and for a Functions host of local.settings.json, with the values of
    --now over it.
    """
    given = dict(named_value(text) for text in now)
    if host in WEB_SERVERS:
        read = {WEB_CONCURRENCY, *([GUNICORN_ARGUMENTS] if WEB_SERVERS[host].worker_class else [])}
        read |= set(STARTUP_SETTINGS) - {NO_FASTAPI} if is_app_service(host) else set()
        others = {name: value for name, value in given.items() if name not in {*read, THREAD_COUNT}}
        in_file = read_local_settings(app.folder).values if app.entry is None else {}
        pool = {name: value for name, value in in_file.items() if name == THREAD_COUNT}
        setting = server_setting(host, app, {**pool, **environ.process_environ(), **given})
        return msgspec.structs.replace(setting, app_settings=tuple(sorted(others.items())))
    return functions_setting(app.folder, given)


def named_value(text: str) -> tuple[str, str]:
    """The name and the value of a --now."""
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise UsageError(f"--now {text}: allowed is KEY=VALUE, such as FUNCTIONS_WORKER_PROCESS_COUNT=2")
    return name, value


def functions_setting(app: Path, given: Mapping[str, str]) -> Setting:
    """The present setting on a Functions host, with the given app settings over it."""
    setting = configured_setting(app)
    named = {knob.variable: knob.name for knob in KNOBS if knob.variable is not None}
    others: dict[str, str] = {}
    for name, value in given.items():
        if name not in named:
            others[name] = value
        elif value.isdecimal() and int(value) > 0:
            setting = msgspec.structs.replace(setting, **{named[name]: int(value)})
        else:
            raise UsageError(f"--now {name}={value}: allowed is a whole number from 1")
    return msgspec.structs.replace(setting, app_settings=tuple(sorted(others.items())))
