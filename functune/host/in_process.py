"""
A function app in the process of its web server: loaded and called without a front and without worker processes.

The ASGI and the WSGI app use it. The handlers run in the same runtime as everywhere, and ``Answerer`` makes the answer.
Nothing else of the local host is there: the server has its own processes, limits and time-outs.
"""

import logging
import sys
from typing import NamedTuple

from functune.environ import has_auth_keys, in_process_root, set_missing
from functune.errors import AppError
from functune.host import runtime
from functune.host.answering import Answerer, Begin
from functune.host.bindings import STREAMING
from functune.host.console import Console
from functune.host.functions import load_functions
from functune.host.load_error import load_error
from functune.host.messages import WorkerInitRequest
from functune.host.settings import HostSettings, read_host_settings
from functune.host.shaping import encode_header
from functune.server_process import process_page, ready_line
from functune.timing.calls import CallTimer


class InProcessApp(NamedTuple):
    """A loaded app."""

    answerer: Answerer
    custom_headers: list[tuple[bytes, bytes]]


def in_process_timer() -> CallTimer | None:
    """The timer of the calls; None where the environment has no folder for their counts."""
    page = process_page()
    return None if page is None else CallTimer(page, current_call=runtime.current_invocation_id)


def in_process_settings() -> HostSettings:
    """
    The settings of the app in FUNCTUNE_SCRIPT_ROOT, else in the working directory. Raises SettingsError.

    Keys are asked for where the environment has FUNCTUNE_FUNCTION_KEY or FUNCTUNE_MASTER_KEY.
    """
    settings = read_host_settings(script_root=in_process_root(), enable_auth=has_auth_keys())
    # As the host gives them to its workers. A variable that is set, or empty, stays as it is.
    set_missing(settings.worker.environ)
    return settings


async def load_in_process(settings: HostSettings, *, begin: Begin, timer: CallTimer | None) -> InProcessApp:
    """
    Import and index the app. ``begin`` gives what runs its functions.

    Raises AppError where the app cannot be loaded, or has no function_app.py.
    """
    console = Console(verbose=settings.verbose)
    console.levels = settings.host_json.log_levels
    _log_through(console)
    # First, as Gunicorn's --chdir puts it: another function_app.py must not be found before.
    sys.path.insert(0, str(settings.script_root))
    loaded = await runtime.init(WorkerInitRequest(str(settings.script_root)))
    if loaded.exception is not None:
        raise load_error(loaded.exception, settings.packages)
    if timer is not None:
        runtime.time_functions(timer)
    indexed = (await runtime.indexed_functions()).functions
    if indexed is None:
        raise AppError(f"{settings.script_root} contains no function_app.py with functions; set FUNCTUNE_SCRIPT_ROOT")
    found = load_functions(indexed, settings, is_streaming=STREAMING in loaded.capabilities)
    for level, message in found.problems():
        console.system(message, level)
    console.plain(ready_line(settings.script_root))
    return InProcessApp(
        answerer=Answerer(settings, found.routes(), begin, console),
        custom_headers=[encode_header(*header) for header in settings.host_json.custom_headers.items()],
    )


class _ConsoleLog(logging.Handler):
    """Shows the records of the app as the local host does."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._console.user(self.format(record), record.levelno, category="Function")
        except Exception:  # a record that cannot be formatted must not fail the function that logs it
            self.handleError(record)


def _log_through(console: Console) -> None:
    root = logging.getLogger()
    if not any(isinstance(handler, _ConsoleLog) for handler in root.handlers):
        root.setLevel(logging.INFO)
        root.addHandler(_ConsoleLog(console))
