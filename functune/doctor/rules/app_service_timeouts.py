"""App Service: the time-outs of Gunicorn in a start-up command of one's own."""

from collections.abc import Iterator

from functune.app_service.server_programs import ASGI_CLASSES, SHORTEST_TIMEOUT, WSGI_CLASSES
from functune.doctor.reading.inspected import InspectedApp
from functune.doctor.rule import Rule, RuleCase
from functune.doctor.rules.app_service_places import OwnServer, at_command, at_flag, own_server
from functune.plans.conflicts import SHORT_KEEP_ALIVE
from functune.plans.start_command import SERVER_TIMEOUTS

_REPORTING_CLASSES = frozenset({*ASGI_CLASSES, *WSGI_CLASSES}) - {"sync"}
"""Classes of workers that report once a second, also while a handler runs."""


def default_timeout(app: InspectedApp) -> Iterator[RuleCase]:
    """Gunicorn's own time-out for sync workers."""
    own = own_server(app)
    if own is not None and own.command.worker_class == "sync" and not may_be_given(own, "--timeout"):
        yield at_command(own.reading, "The command gives no --timeout to sync workers.")


def short_timeout(app: InspectedApp) -> Iterator[RuleCase]:
    """A time-out that ends workers which have nothing to do."""
    own = own_server(app)
    if own is None or own.command.worker_class not in _REPORTING_CLASSES:
        return
    given = own.command.number("--timeout")
    if given is not None and 0 < given < SHORTEST_TIMEOUT:  # 0 switches it off
        yield at_flag(own, "--timeout", f"gives --timeout {given} to {own.command.worker_class} workers.")


def short_keep_alive(app: InspectedApp) -> Iterator[RuleCase]:
    """Gunicorn's own keep-alive, which is shorter than that of any load balancer."""
    own = own_server(app)
    if own is None or own.command.worker_class in (None, "sync", ""):  # an empty one is computed
        return
    given = own.command.number("--keep-alive")
    if not may_be_given(own, "--keep-alive"):
        yield at_command(own.reading, f"The command gives no --keep-alive to {own.command.worker_class} workers.")
    elif given is not None and given <= SHORT_KEEP_ALIVE:
        yield at_flag(own, "--keep-alive", f"gives --keep-alive {given}.")


def may_be_given(own: OwnServer, flag: str) -> bool:
    """Whether a flag is given, or may be by a configuration file of the app."""
    return flag in own.command.flags or own.command.may_have_more


TIMEOUT_RULES = (
    Rule(
        id="worker-timeout-default",
        family="app-service",
        severity="note",
        looks_for="a start-up command with sync workers and without `--timeout`",
        why="Gunicorn replaces a sync worker that takes 30 s for one request. The platform's own command gives 600 s, "
        "and its front end ends a request after 230 s.",
        remedy=f"Add --timeout {SERVER_TIMEOUTS['--timeout']} to the command.",
        needs="--plan app-service",
        check=default_timeout,
    ),
    Rule(
        id="worker-timeout-short",
        family="app-service",
        severity="error",
        looks_for=f"a start-up command, or `GUNICORN_CMD_ARGS`, with a `--timeout` below {SHORTEST_TIMEOUT} s for "
        "workers of another class than sync; 0 switches it off",
        why="These workers report to Gunicorn once a second. With so short a time-out, Gunicorn takes idle workers "
        "for silent ones and ends them, together with the requests that have just arrived.",
        remedy=f"Give --timeout {SERVER_TIMEOUTS['--timeout']}. It does not limit how long a request takes on these "
        "workers.",
        needs="--plan app-service",
        check=short_timeout,
    ),
    Rule(
        id="keep-alive-default",
        family="app-service",
        severity="note",
        looks_for=f"a start-up command of Gunicorn that keeps idle connections for {SHORT_KEEP_ALIVE} s or less, which "
        "is its default; sync workers keep none",
        why="A load balancer keeps its connections longer. It may send a request on one that the worker is closing, "
        "and answers 502.",
        remedy=f"Add --keep-alive {SERVER_TIMEOUTS['--keep-alive']} to the command.",
        needs="--plan app-service",
        check=short_keep_alive,
    ),
)
