"""Experiments and routes that are measured here."""

import time
from collections.abc import Callable, Mapping, Sequence
from json import dumps
from pathlib import Path

from functune import environ
from functune.api.arguments import (
    ExperimentSource,
    app_folder,
    checked_experiments,
    require_own_machine,
    sources,
    tuning_aim,
)
from functune.api.own_loop import in_own_loop
from functune.api.runs import MeasuredRun
from functune.errors import UsageError
from functune.experiments.model import SearchName, Strategy
from functune.hosts import registry
from functune.hosts.fitting import app_on_host
from functune.hosts.kinds import HostKind
from functune.hosts.served_app import ServedApp
from functune.load.locust_process import shared_fork_server
from functune.packages.chosen import app_python
from functune.plans.registry import PLANS
from functune.report.document import find_all
from functune.report.files import write_report
from functune.report.worked import require_worked_steps
from functune.run.folder import RunFolder
from functune.run.measuring import being_measured
from functune.run.new_path import new_run_path
from functune.sweep.beginning import begin_run, with_their_inputs
from functune.sweep.budget import LONGEST_BUDGET, SHORTEST_BUDGET
from functune.sweep.curl import request_of
from functune.sweep.event_words import event_in_words
from functune.sweep.events import Event, SweepFinished
from functune.sweep.planner import SearchPlanner
from functune.sweep.profile import profile_run, profile_targets
from functune.sweep.run import measure_run
from functune.sweep.tuned_app import present_setting, tuned_host
from functune.sweep.tuning_run import TuningRun

type Progress = Callable[[str], None]
"""Is given a line at a time, such as ``print``. It is called in another thread while the hosts run."""


def unheard(line: str) -> None:
    """The progress of a call that asks for none."""


def run_sweep(
    experiments: ExperimentSource | Sequence[ExperimentSource],
    *,
    script_root: str | Path = ".",
    app: str | None = None,
    host: str | None = None,
    key: str | None = None,
    python: str | None = None,
    install: bool = False,
    out: str | Path | None = None,
    search: SearchName | None = None,
    repeats: int | None = None,
    seed: int | None = None,
    objective: str | None = None,
    strategy: Strategy | None = None,
    memory_mb: int | None = None,
    profile: bool = True,
    calibration: bool = True,
    progress: Progress | None = None,
) -> MeasuredRun:
    """
    Measure experiments, as ``functune sweep`` does, and write the report.

    ``experiments`` is the path of an experiment file, its content as a dict, or several of them. ``script_root`` is the
    folder of the app, ``app`` the ``module:callable`` in it where it is no function app. ``host`` is a host kind or the
    URL of a running app, with its function ``key``. ``python`` or ``install`` choose the packages of the app. ``out``
    is the folder of the run, by default below ``runs``. The keywords from ``search`` to ``memory_mb`` replace what the
    experiments say. ``profile`` looks for the lines of code at which calls wait, some seconds for each route.
    ``calibration`` measures the load generator alone, two seconds before and after.

    It takes as long as the experiments say, and may be called where an event loop runs. CTRL+C ends the hosts and keeps
    what was measured. Trials that could not be measured are in ``document.failures``.

        run = run_sweep("experiments/orders.toml", script_root="orders", progress=print)
    """
    folder_of_app = app_folder(script_root)
    asked, inputs = with_their_inputs(sources(experiments))
    asked = checked_experiments(
        asked,
        values={"objective": objective, "strategy": strategy, "memory_mb": memory_mb},
        load={"search": search, "repeats": repeats, "seed": seed},
    )
    require_own_machine(asked, host)
    say = progress or unheard
    interpreter = app_python(folder_of_app, python=python, install=install, report=say)
    served = app_on_host(ServedApp(folder_of_app, app), host, python=interpreter)
    folder, kind = begin_run(
        asked,
        inputs=inputs,
        out=Path(out) if out else new_run_path(),
        app=served,
        host=host,
        key=key or environ.process_environ().get(environ.URL_KEY),
        python=interpreter,
        command=["functune.run_sweep"],
        on_note=say,
    )
    with being_measured(folder.path):
        end = in_own_loop(
            lambda: measured_and_profiled(folder, served, kind, profile=profile, calibration=calibration, say=say)
        )
    return with_report(folder, routes=end.routes)


def tune_route(
    route: str,
    *,
    script_root: str | Path = ".",
    app: str | None = None,
    host: str | None = None,
    method: str | None = None,
    headers: Mapping[str, str] = {},
    json: object = None,
    data: str | None = None,
    values: str | Path | None = None,
    plan: str = "local",
    objective: str = "",
    strategy: Strategy = "throughput",
    memory_mb: int | None = None,
    budget: float = 90.0,
    now: Mapping[str, str] = {},
    python: str | None = None,
    install: bool = False,
    out: str | Path | None = None,
    progress: Progress | None = None,
) -> MeasuredRun:
    """
    Find the settings for one route within a budget of time, as ``functune tune`` does.

    ``route`` is the path with its query. ``headers``, ``json`` (any value that JSON has) or ``data`` (a text, or
    ``@FILE``) and ``values`` (a CSV file for ``{column}`` in the route) make the request. Header values and bodies are
    kept in the environment of this process and in no file. ``plan`` is a name of functune.plans.registry: on ``flex``
    only threads are searched. ``budget`` are the seconds for all of it but ``install``, 20 to 3600. ``now`` are present
    app settings that the search compares with.

        run = tune_route("/api/items?limit=20", script_root="shop", objective="p95 < 300ms")
        run.experiments[0].verdict
    """
    if plan not in PLANS:
        raise UsageError(f"plan is {plan!r}: allowed are {', '.join(PLANS)}")
    if not SHORTEST_BUDGET <= budget <= LONGEST_BUDGET:
        raise UsageError(f"budget is {budget!r}: allowed are {SHORTEST_BUDGET} to {LONGEST_BUDGET} seconds")
    say = progress or unheard
    served = ServedApp(app_folder(script_root), app)
    request, _ = request_of(
        route,
        method=method,
        headers=[f"{name}: {value}" for name, value in headers.items()],
        data=data,
        json_body=None if json is None else dumps(json),
        values=None if values is None else str(values),
    )
    interpreter = app_python(served.folder, python=python, install=install, report=say)
    began = time.monotonic()
    full_host = tuned_host(host, served, plan=plan, python=interpreter)
    served = app_on_host(served, full_host, python=interpreter)
    steps = TuningRun(
        app=served,
        kind=registry.host_kind(full_host, python=interpreter),
        host=full_host,
        python=interpreter,
        request=request,
        aim=tuning_aim(objective=objective, strategy=strategy, memory_mb=memory_mb, single_process=plan == "flex"),
        budget=budget,
        began=began,
    )
    present = present_setting(served, full_host, [f"{name}={value}" for name, value in now.items()])
    path = Path(out) if out else new_run_path()

    async def tuned() -> RunFolder:
        with shared_fork_server():
            folder = await steps.create_folder(path, present, command=["functune.tune_route"])
            with being_measured(folder.path):
                if note := await steps.search(folder, on_progress=said_by(say)):
                    say(note)
                await steps.profile(folder, find_all(folder), on_note=say)
        return folder

    return with_report(in_own_loop(tuned))


async def measured_and_profiled(
    folder: RunFolder, app: ServedApp, kind: HostKind, *, profile: bool, calibration: bool, say: Progress
) -> SweepFinished:
    """Measure the run, and profile its subjects where asked. Returns the last event of the measuring."""
    planner = SearchPlanner(cores=folder.environment.machine_cores)
    with shared_fork_server():
        end = await measure_run(
            folder, app=app, kind=kind, planner=planner, on_progress=said_by(say), calibrated=calibration
        )
        if profile:
            await profile_run(folder, profile_targets(find_all(folder)), app=app, kind=kind, on_note=say)
    return end


def said_by(say: Progress) -> Callable[[Event], None]:
    """Says the events that have words."""

    def follow(event: Event) -> None:
        if line := event_in_words(event):
            say(line)

    return follow


def with_report(folder: RunFolder, *, routes: Sequence[str] = ()) -> MeasuredRun:
    """The run with its report written. Raises LoadError where no step of an experiment worked."""
    document = write_report(folder)
    require_worked_steps(document.experiments, routes)
    return MeasuredRun(folder=folder.path, document=document)
