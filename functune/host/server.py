"""Runs one host from start to clean end: socket, workers, HTTP server, signals."""

import asyncio
import contextlib
import errno
import logging
import signal
import socket
import sys
from collections.abc import Iterator
from types import FrameType

import uvicorn

from functune.errors import PortInUseError, SettingsError
from functune.host.admin import Admin
from functune.host.application import Application
from functune.host.console import LISTENING, Console
from functune.host.front import Front
from functune.host.lifecycle import Lifecycle, ReadSettings
from functune.host.protocol import with_limits
from functune.host.settings import HostSettings

_BACKLOG = 2048


async def serve_until_stopped(settings: HostSettings, console: Console, reread: ReadSettings | None = None) -> None:
    """
    Serve until SIGINT or SIGTERM, then drain and return. With ``reread`` the app is loaded again when its files change.

    Raises PortInUseError, AppError or another HostError when the host cannot start or continue, and SettingsError for
    an address of another machine. No process is left in any case.
    """
    for warning in settings.warnings:
        console.system(warning, logging.WARNING)
    _raise_file_limit()
    with _listen(settings.address, settings.port) as listener:
        base_url = _base_url(listener)
        settings = settings.listening_on(listener.getsockname()[1])
        front = Front(settings, Admin(base_url, settings.worker.process_count), console)
        server = _Server(_config(front, settings, console))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        lifecycle = Lifecycle(
            front, console, reread=reread, on_loaded=lambda loaded: _announce(loaded, base_url, console)
        )
        running = asyncio.create_task(lifecycle.run(settings))
        try:
            await asyncio.wait({running, serving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            front.refuse()
            server.should_exit = True
            await serving  # the calls in flight still need the workers
            running.cancel()
            await asyncio.wait({running})
        if not running.cancelled():
            running.result()


def _raise_file_limit() -> None:
    """
    Raise the limit of open files, and so of connections, as far as the system allows; .NET does the same.

    A load test opens more than the usual 1024, and a front at its limit accepts no connection.
    """
    if sys.platform == "win32":
        return
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # macOS reports "unlimited" and refuses it; 1024 then remain
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


class _Server(uvicorn.Server):
    """
    uvicorn's server. A signal ends the server alone, since the workers have to be ended after it.

    The first signal drains; a second one, of either kind, drops the calls in flight.
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
        http=with_limits(settings.connection),
        ws="none",
        lifespan="off",
        log_config=None,
        # The host itself announces start and stop, and Kestrel does not log bad requests either.
        log_level=logging.WARNING if settings.verbose else logging.ERROR,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=_BACKLOG,
        timeout_keep_alive=settings.connection.keep_alive_timeout,  # type: ignore[arg-type] # passed on to call_later
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
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise SettingsError(
                f"cannot listen on the address '{address}': {error.strerror}; --address and Host.LocalHttpAddress take "
                "an address of this machine, such as 127.0.0.1, or 0.0.0.0 for all of them"
            ) from error
        raise PortInUseError(
            f"cannot listen on {address} port {port}: {error.strerror}. "
            "End the program that uses it, or choose another port with --port (0 takes a free one)"
        ) from error
    return listener


def _base_url(listener: socket.socket) -> str:
    address, port = listener.getsockname()[:2]
    return f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"


def _announce(loaded: Application, base_url: str, console: Console) -> None:
    """Print the list of the functions, what is wrong with them, and the line that says that the host serves."""
    found = loaded.functions
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
    for level, message in found.problems():
        console.system(message, level)
    if not loaded.settings.verbose:
        console.plain("\nFor detailed output, run functune with --verbose flag.")
    console.plain(f"{LISTENING} {base_url} (press CTRL+C to stop)")
