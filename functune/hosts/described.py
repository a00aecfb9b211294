"""The interface and the routes of an app, as a process with the app's own interpreter and packages finds them."""

import functools
import json
import subprocess
from typing import Literal, NamedTuple

from functune.environ import APP_ENTRY
from functune.errors import AppError, UsageError
from functune.hosts.app_process import app_process, packages_of
from functune.hosts.program import SHOWN_LINES
from functune.hosts.served_app import ServedApp
from functune.middleware.entry import parse_entry

_TIMEOUT = 120.0
"""Seconds to import an app, as long as the local host gives a worker."""
_MARK = "functune: "
_MISSING = "ModuleNotFoundError: "


class AppDescription(NamedTuple):
    """An app that could be loaded."""

    interface: Literal["wsgi", "asgi"]
    routes: tuple[str, ...]
    """Such as ``GET /orders/{id}``; none where the app does not list them."""

    @property
    def in_words(self) -> str:
        """``an ASGI app``."""
        return "an ASGI app" if self.interface == "asgi" else "a WSGI app"


@functools.cache
def describe_app(app: ServedApp, python: str | None) -> AppDescription:
    """
    Load the app once, with the interpreter ``python`` where one is named.

    Raises UsageError for an entry that does not name an app, AppError where the app cannot be loaded.
    """
    if app.entry is None:
        raise ValueError(f"{app} is a function app")
    parse_entry(app.entry)
    executable, environ = app_process(app, python=python, variables={APP_ENTRY: app.entry})
    command = [str(executable), "-m", "functune.middleware.description"]
    try:
        done = subprocess.run(
            command,
            cwd=app.resolved,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise AppError(f"--app {app.entry}: its import did not end within {_TIMEOUT:g} s") from error
    said = [line for line in done.stdout.splitlines() if line.startswith(_MARK)]
    if not said:
        last = "\n".join((done.stdout + done.stderr).splitlines()[-SHOWN_LINES:])
        raise AppError(f"--app {app.entry}: its process ended before the app was loaded; its last lines:\n{last}")
    found = json.loads(said[-1].removeprefix(_MARK))
    if "error" in found:
        raise (UsageError if found["is_usage"] else AppError)(with_package_help(found["error"], app, python))
    return AppDescription(found["interface"], tuple(found["routes"]))


def with_package_help(error: str, app: ServedApp, python: str | None) -> str:
    """The error, with the places of the packages and the flags that choose others where one is missing."""
    if _MISSING not in error:
        return error
    packages = packages_of(app, python=python)
    used = [f"{folder}: used" for folder in packages.folders] or ["the packages of the server"]
    return "\n".join(
        [
            error,
            "Packages were looked for in:",
            *(f"  {line}" for line in (*packages.looked, *used)),
            "--install installs those of requirements.txt, and --python PATH names an interpreter that has them.",
        ]
    )
