"""Runs one host from start to clean end: socket, workers, HTTP server, signals."""

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Iterator
from types import FrameType
from typing import Any

import uvicorn

from functune.errors import AppError, PortInUseError
from functune.host import functions
from functune.host.admin import Admin
from functune.host.console import Console
from functune.host.front import Front
from functune.host.functions import FunctionSet
from functune.host.supervisor import Supervisor
from functune.settings import HostSettings

LISTENING = "Host started, listening on"
"""What a program that starts the host waits for; the base URL follows."""

_KEEP_ALIVE = 130
"""Seconds an idle connection stays open, as in Kestrel; uvicorn's own 5 s would cut connections of a load generator."""
_BACKLOG = 2048


async def serve(settings: HostSettings, console: Console) -> None:
    """
    Serve until SIGINT or SIGTERM, then drain and return.

    Raises PortInUseError, AppError or another HostError when the host cannot start or cannot go on; no process stays.
    """
    for warning in settings.warnings:
        console.system(warning, logging.WARNING)
    with _listen(settings.address, settings.port) as listener:
        base_url = _base_url(listener)
        supervisor = Supervisor(script_root=settings.script_root, settings=settings.worker, console=console)
        admin = Admin(settings, supervisor, base_url)
        front = Front(settings, supervisor, admin, console)
        server = _Server(_config(front, settings, console))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        indexing = asyncio.create_task(_indexed(supervisor, settings))
        try:
            if await _ends_first(indexing, serving):
                found = indexing.result()
                routes = found.routes()
                _announce(found, settings, base_url, console)
                admin.functions = found
                front.open(routes)
                console.plain(f"{LISTENING} {base_url} (press CTRL+C to stop)")
                if await _ends_first(supervisor.failed, serving):
                    raise supervisor.failed.result()
        finally:
            front.close()
            indexing.cancel()
            server.should_exit = True
            await asyncio.wait({indexing})
            await serving
            await supervisor.stop()


async def _ends_first(expected: asyncio.Future[Any], serving: asyncio.Future[None]) -> bool:
    """Whether ``expected`` is done before a signal ends the server."""
    await asyncio.wait({expected, serving}, return_when=asyncio.FIRST_COMPLETED)
    return expected.done()


class _Server(uvicorn.Server):
    """
    uvicorn's server, with signals that end it and nothing more: the workers are still to be ended after it.

    The first signal drains; a second one, of either kind, drops what is in flight.
    """

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.force_exit = self.should_exit
        self.should_exit = True


class _ConsoleHandler(logging.Handler):
    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        self._console.system(self.format(record), record.levelno)


def _config(front: Front, settings: HostSettings, console: Console) -> uvicorn.Config:
    logger = logging.getLogger("uvicorn.error")
    logger.handlers = [_ConsoleHandler(console)]
    logger.propagate = False
    return uvicorn.Config(
        front,
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        # Its own lines about starting and stopping say nothing the host does not.
        log_level=logging.WARNING,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=int(settings.worker.shutdown_timeout),
    )


def _listen(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise PortInUseError(
            f"cannot listen on {address} port {port}: {error.strerror}. "
            "Close what uses it, or choose another port with --port (0 takes a free one)"
        ) from error
    return listener


def _base_url(listener: socket.socket) -> str:
    address, port = listener.getsockname()[:2]
    return f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"


async def _indexed(supervisor: Supervisor, settings: HostSettings) -> FunctionSet:
    metadata = await supervisor.start()
    script_file = settings.worker.environ.get("PYTHON_SCRIPT_FILE_NAME") or "function_app.py"
    # None stands for no file and for an app without functions alike.
    if metadata is None and not (settings.script_root / script_file).exists():
        raise AppError(
            f"{settings.script_root} holds no {script_file}; the local host runs Python v2 apps. "
            "Give the app's folder with --script-root"
        )
    return functions.load(metadata or [], settings)


def _announce(found: FunctionSet, settings: HostSettings, base_url: str, console: Console) -> None:
    for error in found.errors:
        console.system(error, logging.ERROR)
    if not found.functions:
        console.system(
            "No job functions found. Is the FunctionApp at the top level of function_app.py, are its blueprints "
            "registered, and does --functions name one of them?",
            logging.WARNING,
        )
    console.plain("\nFunctions:\n")
    for function in found.functions:
        if function.is_disabled:
            console.plain(f"\t{function.name}: disabled by its app setting")
        elif function.route is None:
            console.plain(f"\t{function.name}: {function.trigger.get('type')} (not run: only HTTP triggers are)")
        else:
            methods = f"[{','.join(function.methods)}] " if function.methods is not None else ""
            console.plain(f"\t{function.name}: {methods}{base_url}/{function.route}")
    if found.other_triggers:
        names = ", ".join(function.name for function in found.other_triggers)
        console.system(f"The local host runs HTTP triggers only; these will not run: {names}", logging.WARNING)
    if not settings.verbose:
        console.plain("\nFor detailed output, run functune with --verbose flag.")
