"""functune tune."""

import re
import shlex
import sys
import time
from pathlib import Path
from typing import Any, get_args

import click

from functune.cli.answer import Answer, answers
from functune.cli.app import app_option
from functune.cli.completing import complete_hosts
from functune.cli.folders import existing_folder
from functune.cli.load import LOAD_FLAGS, announce_load_workers, load_options, load_overrides
from functune.cli.memory import memory_option
from functune.cli.packages import chosen_python, package_options
from functune.cli.recommend import PLAN_NAMES, instance_options
from functune.cli.tune_run import Tuning
from functune.cli.watching import start_watch, watch_option
from functune.experiments.model import Strategy
from functune.hosts import registry
from functune.hosts.fitting import app_on_host
from functune.hosts.served_app import ServedApp
from functune.load.locust_process import shared_fork_server
from functune.run.environment import without_secret
from functune.run.measuring import being_measured
from functune.run.new_path import new_run_path
from functune.sweep.budget import LONGEST_BUDGET, SHORTEST_BUDGET


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
@click.option("--objective", default="", metavar="CONDITIONS", help='Conditions to meet, such as "p95 < 300ms".')
@click.option(
    "--strategy",
    type=click.Choice(get_args(Strategy.__value__)),
    default="throughput",
    show_default=True,
    help="The aim of the recommended setting.",
)
@memory_option
@click.option(
    "--budget",
    type=Duration(),
    default="90s",
    show_default=True,
    help=f"Time for the whole command except --install, from {SHORTEST_BUDGET}s to {LONGEST_BUDGET // 60}m.",
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

    It searches threads and processes within the time budget, compares them with the app's present settings, and looks
    for the line of code at which the calls wait. It prints what to set and why. The run folder keeps the experiment,
    which you can change and repeat with `functune sweep`.

    Keep secrets in the environment, and write '${NAME}' in a header, the body or the route. In any case, functune
    writes a body given as TEXT, the value of ?code= and the values of headers such as Authorization to no file. It
    copies a FILE into the run folder as it is.

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
    measured, 130 interrupted by CTRL+C or SIGTERM.
    """
    from functune.plans.registry import asked_of
    from functune.sweep.curl import request_of
    from functune.sweep.tuned_app import present_setting, tuned_host
    from functune.sweep.tuning import TuningAim
    from functune.sweep.tuning_run import TuningRun

    on_plan = asked_of(plan, size=asked["size"], replicas=asked["replicas"])
    app = ServedApp(existing_folder(script_root, "--script-root"), entry)
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
        TuningRun(
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
    )
    command = ["functune", *sys.argv[1:]]
    for secret in secrets.values():
        command = without_secret(command, secret)
    click.get_current_context().with_resource(shared_fork_server())
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
