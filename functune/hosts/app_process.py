"""The interpreter and the environment of a process that runs an app without a Functions host."""

import os
from collections.abc import Mapping
from pathlib import Path

from functune.environ import PYTHON_PATH, SCRIPT_ROOT, child_environ
from functune.hosts.served_app import ServedApp
from functune.packages.app_packages import AppPackages, PackageSource, find_app_packages
from functune.packages.server_packages import server_packages
from functune.packages.worker_start import worker_start


def packages_of(app: ServedApp, *, python: str | None) -> AppPackages:
    """Where the packages of the app come from; ``python`` is the interpreter that the user names, if any."""
    return find_app_packages(app.resolved, python=python, within=None if app.root is None else app.root.resolve())


def lent_python(app: ServedApp) -> str | None:
    """The interpreter of the environment of an app in a folder of another; None for an app on its own."""
    if app.root is None:
        return None
    found = packages_of(app, python=None)
    python = found.interpreter.executable if found.source is PackageSource.SHARED else found.python
    return None if python is None else str(python)


def app_process(app: ServedApp, *, python: str | None, variables: Mapping[str, str]) -> tuple[Path, dict[str, str]]:
    """
    The interpreter and the environment of a process for the app, with the variables in it.

    The servers' own packages come after those of the app. Raises HostError where its packages cannot be made.
    """
    start = worker_start(packages_of(app, python=python), report=lambda _: None)
    servers = server_packages(start.app.interpreter, report=lambda _: None)
    folders = (*start.packages, start.offered, servers, start.own)
    return start.python, {
        **child_environ(variables),
        **start.variables,
        PYTHON_PATH: os.pathsep.join(map(str, folders)),
        SCRIPT_ROOT: str(app.resolved),
    }
