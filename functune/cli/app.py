"""The flag that names a WSGI or ASGI app: --app."""

from collections.abc import Callable
from typing import Any

import click


def app_option[Command: Callable[..., Any]](command: Command) -> Command:
    """Add the flag, as the parameter ``entry``."""
    return click.option(
        "--app",
        "entry",
        metavar="MODULE:CALLABLE",
        help="The WSGI or ASGI app in the folder, such as src.app:app or src.app:create_app(), on Gunicorn or Uvicorn."
        "  [default: a function app]",
    )(command)
