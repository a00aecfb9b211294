"""Notes on settings that cancel each other, or that do not fit the platform in front of a web server."""

from collections.abc import Iterator
from typing import NamedTuple

from functune.app_service.generated import WEB_CONCURRENCY
from functune.plans.start_command import (
    SERVER_TIMEOUTS,
    facts_of,
    program_of,
    server_flags,
    setting_flags,
    uvicorn_variable,
)
from functune.setting import THREAD_COUNT, Setting

_MULTIWORKERS = "PYTHON_ENABLE_GUNICORN_MULTIWORKERS"
SHORT_KEEP_ALIVE = 2
"""Gunicorn's default, seconds: a known source of 502 answers behind a load balancer."""


class FrontEnd(NamedTuple):
    """What stands between the clients and a web server on a plan."""

    name: str
    timeout: int
    """Seconds after which it ends a request."""
    killed_after: int | None = None
    """Seconds from SIGTERM to SIGKILL; None where they are not known."""


def conflict_notes(setting: Setting, front: FrontEnd) -> tuple[str, ...]:
    """A sentence or two for each conflict in the advised setting; none for a setting without one."""
    return (*count_conflicts(setting), *time_conflicts(setting, front))


def count_conflicts(setting: Setting) -> Iterator[str]:
    """Workers and threads that something else overrides."""
    given = dict(setting.app_settings)
    if WEB_CONCURRENCY in given:
        yield "WEB_CONCURRENCY is left out: the number of workers in the start-up command overrides it."
    if _MULTIWORKERS in given:
        yield (
            f"{_MULTIWORKERS} has no effect with a start-up command of one's own. Where App Service generates the "
            "command, that flag makes it ignore WEB_CONCURRENCY."
        )
    facts = facts_of(setting)
    if program_of(setting) == "gunicorn" and facts.threads == "pool" and "--threads" in setting_flags(setting).known:
        yield (
            f"--threads is left out: it has no effect on workers of the class {facts.worker_class}. "
            f"{THREAD_COUNT} is the number of threads for def handlers there."
        )


def time_conflicts(setting: Setting, front: FrontEnd) -> Iterator[str]:
    """Time-outs that do not fit the front."""
    keep_alive, graceful, silent = (
        server_timeout(setting, name) for name in ("keep-alive", "graceful-timeout", "timeout")
    )
    if facts_of(setting).worker_class != "sync" and keep_alive is not None and keep_alive <= SHORT_KEEP_ALIVE:
        yield (
            f"A keep-alive of {keep_alive} s is shorter than that of a load balancer, which may send a request on a "
            f"connection that is being closed, and answer 502: {SERVER_TIMEOUTS['--keep-alive']} s avoids it."
        )
    if front.killed_after is not None and graceful is not None and graceful >= front.killed_after:
        yield (
            f"{front.name} kills a replica {front.killed_after} s after SIGTERM, and the server waits {graceful} s for "
            f"the requests in flight: set it to less, such as {SERVER_TIMEOUTS['--graceful-timeout']} s, or extend "
            "terminationGracePeriodSeconds."
        )
    if silent is not None and (silent == 0 or silent > front.timeout):
        limit = "no time-out" if silent == 0 else f"a time-out of {silent} s"
        yield (
            f"{front.name} ends a request after {front.timeout} s: with {limit}, a worker can be held by a request "
            "whose client has been answered already."
        )


def server_timeout(setting: Setting, name: str) -> int | None:
    """A time-out of the server by Gunicorn's name; None where the server has none, or it is no number."""
    if program_of(setting) == "gunicorn":
        value = server_flags(setting, port="0")[f"--{name}"]
    elif name == "timeout":
        return None
    else:
        flag = {"keep-alive": "--timeout-keep-alive", "graceful-timeout": "--timeout-graceful-shutdown"}[name]
        flags = server_flags(setting, port="0")
        value = flags[flag] if flag in flags else dict(setting.app_settings)[uvicorn_variable(flag)]
    return int(value) if value.isdecimal() else None
