"""Any ASGI app with the times of its calls, for Uvicorn and Gunicorn's ASGI workers: see functune.middleware."""

import sys

from functune.errors import FunctuneError
from functune.limiter import limiter_of_process
from functune.middleware.entry import app_of_process
from functune.middleware.timed_asgi import TimedAsgi

_START_FAILED = 3
"""The exit code at which Uvicorn and Gunicorn end instead of starting the worker again."""


def started_asgi() -> TimedAsgi:
    """The app of this process. Ends the process with the error where it cannot be loaded."""
    try:
        return TimedAsgi(app_of_process(), limiter=limiter_of_process())
    except FunctuneError as error:
        print(f"functune: {error}", file=sys.stderr, flush=True)
        sys.exit(_START_FAILED)


app = started_asgi()
