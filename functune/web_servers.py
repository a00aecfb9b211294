"""
The web servers among the hosts, as ``--host`` takes them: what each of them runs, and the knobs that it lacks.

A new one is an entry of WEB_SERVERS, and a host kind that starts it.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from functune.app_service.generated import UVICORN_WORKER_CLASS


class ServerFacts(NamedTuple):
    """A web server that runs a function app, or any app of its interface."""

    interface: Literal["wsgi", "asgi"]
    """The interface of the apps that it serves."""
    worker_class: str | None
    """Gunicorn's class of workers; None for a server other than Gunicorn."""
    threads: Literal["server", "pool", "none"]
    """What runs ``def`` handlers: threads of the server, the pool of the Functions runtime, or the worker itself."""
    default_threads: int | None
    """Threads where no number is set: the default of Gunicorn; None for that of the Functions host and its pool."""


WEB_SERVERS: Mapping[str, ServerFacts] = {
    "gunicorn:gthread": ServerFacts("wsgi", "gthread", "server", 1),
    "gunicorn:sync": ServerFacts("wsgi", "sync", "none", 1),
    "gunicorn:asgi": ServerFacts("asgi", "asgi", "pool", None),
    "gunicorn:uvicorn": ServerFacts("asgi", UVICORN_WORKER_CLASS, "pool", None),
    "uvicorn": ServerFacts("asgi", None, "pool", None),
    "app-service": ServerFacts("wsgi", None, "server", 1),
    "app-service:fastapi": ServerFacts("asgi", None, "none", None),
}
"""App Service starts Gunicorn too, but with a command of its own, and FastAPI with another class of workers."""
APP_SERVICE_HOST = "app-service"
GUNICORN_FOR: Mapping[Literal["wsgi", "asgi"], str] = {"wsgi": "gunicorn:gthread", "asgi": "gunicorn:asgi"}
"""The host that ``gunicorn`` without a class of workers stands for, by the interface of the app."""
LACKING_KNOBS: Mapping[str, frozenset[str]] = {
    host: frozenset(
        {
            "per_instance_concurrency",
            *(["thread_count"] if facts.threads == "none" else []),
            *(["limiter_tokens"] if facts.interface == "wsgi" else []),
        }
    )
    for host, facts in WEB_SERVERS.items()
} | {"func": frozenset({"limiter_tokens"})}
"""
The knobs that a host lacks, by its name. They are unset there.

The workers of Core Tools are not the lab's, so it cannot set a limiter in them.
"""


def is_app_service(host: str | None) -> bool:
    """Whether a host runs the command of App Service."""
    return (host or "").partition(":")[0] == APP_SERVICE_HOST
