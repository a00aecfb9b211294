"""
The preflight: each request is sent once before the load.

A wrong path, key or body is shown with the answer, the host's log and the app's routes, and nothing is
measured in vain.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from functune.environ import without_values
from functune.errors import LoadError
from functune.experiments.inputs import variable_names
from functune.experiments.model import Experiment
from functune.experiments.planned import planned_subjects
from functune.experiments.requests import JOURNEY, RequestTemplate
from functune.formatting import plural
from functune.hosts.kinds import RunningHost
from functune.load.records import CheckedRequest, LoadPlan
from functune.load.runner import CHECK_TIMEOUT, checked_requests

LOG_LINES = 10
"""Last lines of the host that a message shows."""


def needs_no_app_setting(experiment: Experiment) -> bool:
    """Whether the requests of an experiment can succeed on a host with any app settings."""
    return experiment.workload.target is None and all(not each for each in experiment.settings.app_settings)


async def preflight(
    experiments: Iterable[Experiment], host: RunningHost, *, folder: Path, answer_within: float = CHECK_TIMEOUT
) -> list[CheckedRequest]:
    """
    Send each request of the experiments once; the answers. ``folder`` contains their files.

    Raises LoadError with each request that fails, its answer, the host's last lines and the app's routes.
    """
    answers: list[CheckedRequest] = []
    plans, began = distinct_plans(experiments, folder), time.time()
    for plan in plans:
        answers += await checked_requests(plan, base_url=host.base_url, key=host.key, answer_within=answer_within)
    if not answers:
        raise LoadError("the users of the Locust file sent no request; nothing was measured. Check their tasks")
    failed = [each for each in answers if each.error is not None]
    if failed:
        routes = await host.routes()
        secrets = [name for plan in plans for name in plan.secrets]
        log = [line for line in host.tail().splitlines() if line.strip()][-LOG_LINES:]
        ends = host.worker_ends(began, time.time())
        raise LoadError(without_values(failure_text(failed, len(answers), log, routes, ends), secrets))
    return answers


def distinct_plans(experiments: Iterable[Experiment], folder: Path) -> list[LoadPlan]:
    """
    The plans that send once everything that the experiments request.

    The same request of several experiments is sent once, and all plain routes by one plan, since each starts a load.
    """
    plan = LoadPlan(route="", users=(1,), warm_up=0.2, measure=1.0, folder=str(folder.resolve()))
    found: list[LoadPlan] = []
    routes: list[str] = []
    for experiment in experiments:
        workload = experiment.workload
        if workload.locustfile is not None:
            found.append(msgspec.structs.replace(plan, route=JOURNEY, locustfile=workload.locustfile))
        elif workload.requests:
            secrets = tuple(sorted(variable_names(workload, folder)))
            label = ", ".join(map(str, workload.requests))
            found.append(msgspec.structs.replace(plan, route=label, requests=workload.requests, secrets=secrets))
        else:
            routes += [each.route for each in planned_subjects(experiment)]
    if plain := plain_requests(routes):
        label = ", ".join(map(str, plain))
        found.append(msgspec.structs.replace(plan, route=label, requests=plain))
    found += [msgspec.structs.replace(plan, route=each) for each in routes if has_braces(each)]
    return [plan for place, plan in enumerate(found) if plan not in found[:place]]


def plain_requests(routes: Iterable[str]) -> tuple[RequestTemplate, ...]:
    """A request for each of the routes; braces in a request name a column or a variable, so those are left out."""
    plain = dict.fromkeys(route for route in routes if not has_braces(route))
    return tuple(RequestTemplate(name=f"route {number}", route=route) for number, route in enumerate(plain, 1))


def has_braces(route: str) -> bool:
    """Whether a route contains a brace, which a request would take for a placeholder."""
    return "{" in route


def failure_text(
    failed: Sequence[CheckedRequest], count: int, log: Sequence[str], routes: Sequence[str], ends: Mapping[str, int]
) -> str:
    """The message about the requests that failed."""
    begun = (
        "The request failed when it was sent once"
        if count == 1
        else f"{len(failed)} of {count} requests failed when each was sent once"
    )
    lines = [
        f"{begun}, so nothing was measured:",
        *(f"  {one.request}: {in_words(one)}" for one in failed),
    ]
    lines += [f"Meanwhile {plural(times, 'worker')} of the server ended by {reason}." for reason, times in ends.items()]
    if log:
        lines += [
            "The last lines of the host:",
            *(f"  {line}" for line in log),
        ]
    if routes:
        lines.append(f"The app has these routes: {', '.join(routes)}.")
    lines.append(
        "Correct the request or the app, or list the status in expect_status of the experiment if it is right."
    )
    return "\n".join(lines)


def in_words(one: CheckedRequest) -> str:
    """The answer to a request that failed."""
    if one.error is not None and not one.error.startswith("HTTP "):
        return f"{one.error} after {one.seconds:.1f} s, without an answer"
    return f"{one.error}, {one.answer!r}" if one.answer else f"{one.error}, with an empty body"
