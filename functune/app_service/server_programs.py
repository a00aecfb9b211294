"""The programs that serve Python apps: what they call, where they listen, and their flags."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

type Interface = Literal["asgi", "wsgi"]


class ServerProgram(NamedTuple):
    """A program that serves a Python app."""

    package: str
    """The distribution that contains it."""
    interface: Interface | None
    """What it calls; None where its flags decide."""
    address: str
    """Where it listens without a flag; ``$PORT`` where it takes the port from the environment."""
    bind_flags: tuple[str, ...] = ()
    """Flags with an address, such as ``0.0.0.0:8000``."""
    host_flag: str = ""
    port_flag: str = ""
    variables: tuple[str, ...] = ()
    """Variables that change the address as well."""


SERVER_PROGRAMS: Mapping[str, ServerProgram] = {
    "gunicorn": ServerProgram("gunicorn", None, "0.0.0.0:$PORT", ("--bind", "-b"), variables=("GUNICORN_CMD_ARGS",)),
    "uvicorn": ServerProgram(
        "uvicorn",
        "asgi",
        "127.0.0.1:8000",
        host_flag="--host",
        port_flag="--port",
        variables=("UVICORN_HOST", "UVICORN_PORT"),
    ),
    "hypercorn": ServerProgram("hypercorn", "asgi", "127.0.0.1:8000", ("--bind", "-b")),
    "daphne": ServerProgram("daphne", "asgi", "127.0.0.1:8000", ("--endpoint", "-e"), "--bind", "--port"),
    "granian": ServerProgram(
        "granian",
        None,
        "127.0.0.1:8000",
        host_flag="--host",
        port_flag="--port",
        variables=("GRANIAN_HOST", "GRANIAN_PORT"),
    ),
    "waitress-serve": ServerProgram("waitress", "wsgi", "0.0.0.0:8080", ("--listen",), "--host", "--port"),
    "flask": ServerProgram(
        "flask",
        "wsgi",
        "127.0.0.1:5000",
        host_flag="--host",
        port_flag="--port",
        variables=("FLASK_RUN_HOST", "FLASK_RUN_PORT"),
    ),
    "fastapi": ServerProgram("fastapi-cli", "asgi", "0.0.0.0:8000", host_flag="--host", port_flag="--port"),
}
"""By the name of the program. Gunicorn listens on ``0.0.0.0:$PORT`` where the variable PORT is set (its config.py)."""
PROGRAM_OF_MODULE = {"waitress": "waitress-serve"}
"""The name of the program where the module of ``python -m`` has another one."""
ASGI_CLASSES: tuple[str, ...] = (
    "asgi",
    "gunicorn.workers.gasgi.ASGIWorker",
    "uvicorn_worker.UvicornWorker",
    "uvicorn_worker.UvicornH11Worker",
    "uvicorn.workers.UvicornWorker",
    "uvicorn.workers.UvicornH11Worker",
)
WSGI_CLASSES: tuple[str, ...] = ("sync", "gthread", "gevent", "eventlet", "tornado")
GREENLET_CLASSES = frozenset({"gevent", "eventlet"})
"""Those whose workers serve many requests at a time on one thread."""
SHORTEST_TIMEOUT = 2
"""
Seconds of Gunicorn's --timeout from which an idle worker of every class reports in time.

Workers of every class but sync report once a second, so a time-out of 1 s ends healthy ones (Gunicorn 27, workers/;
Uvicorn 0.54, Server.on_tick). A sync worker reports twice within its time-out.
"""
SWITCHES = frozenset(
    {
        "--preload",
        "--reload",
        "--no-reload",
        "--daemon",
        "-D",
        "--sendfile",
        "--no-sendfile",
        "--reuse-port",
        "--spew",
        "--check-config",
        "--print-config",
        "--capture-output",
        "-R",
        "--enable-stdio-inheritance",
        "--proxy-protocol",
        "--log-syslog",
        "--no-control-socket",
        "--initgroups",
        "--disable-redirect-access-to-syslog",
        "--strip-header-spaces",
        "--proxy-headers",
        "--no-proxy-headers",
        "--access-log",
        "--no-access-log",
        "--use-colors",
        "--no-use-colors",
        "--server-header",
        "--no-server-header",
        "--date-header",
        "--no-date-header",
        "--factory",
        "--reset-contextvars",
        "--debug",
        "--casefold-http-method",
        "--do-handshake-on-connect",
        "--enable-backlog-metric",
        "--permit-obsolete-folding",
        "--permit-unconventional-http-method",
        "--permit-unconventional-http-version",
        "--suppress-ragged-eofs",
        "--http2",
        "--help",
        "-h",
        "--version",
        "-v",
    }
)
"""Flags of the servers that take no value."""
LONG_FLAGS: Mapping[str, str] = {
    "-w": "--workers",
    "-k": "--worker-class",
    "-b": "--bind",
    "-c": "--config",
    "-t": "--timeout",
    "-p": "--port",
}
