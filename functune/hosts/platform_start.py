"""The app that App Service would start for a folder, checked before it is measured."""

import os
from collections.abc import Mapping
from typing import NamedTuple

from functune.app_service.deployment import Deployment
from functune.app_service.python_version import python_of_files
from functune.app_service.startup import StartDecision, start_decision
from functune.errors import UsageError
from functune.hosts.app_process import packages_of
from functune.hosts.described import describe_app
from functune.hosts.served_app import ServedApp
from functune.web_servers import APP_SERVICE_HOST, WEB_SERVERS

WITHOUT_TARGET = ":application"
"""What Gunicorn takes where a command names a module alone."""


class PlatformStart(NamedTuple):
    """What the platform starts."""

    decision: StartDecision
    deployed: Deployment

    @property
    def variant(self) -> str:
        """The word after the colon of the host; empty for none."""
        return "fastapi" if self.decision.step == "FastAPI" else ""

    @property
    def host(self) -> str:
        """The full name of the host."""
        return f"{APP_SERVICE_HOST}:{self.variant}" if self.variant else APP_SERVICE_HOST

    @property
    def target(self) -> str:
        """The application as ``module:callable``."""
        target = self.decision.target or ""
        return target if ":" in target else f"{target}{WITHOUT_TARGET}"


def decided_start(app: ServedApp, settings: Mapping[str, str], *, python: str | None) -> PlatformStart:
    """
    What the platform starts with some app settings and the Python that a file of the app names, else its own here.

    Raises UsageError for a setting with which the app does not start.
    """
    own = packages_of(app, python=python).interpreter.version
    asked = python_of_files(app.resolved)
    version = (own[0], own[1]) if asked is None else asked.version
    # By affinity and not by a quota, as the platform counts them.
    cores = os.process_cpu_count() or 1
    deployed = Deployment(folder=app.resolved, python=version, settings=settings, cores=cores)
    return PlatformStart(start_decision(deployed), deployed)


def platform_start(app: ServedApp, settings: Mapping[str, str] = {}, *, python: str | None) -> PlatformStart:
    """
    What the platform starts, where that can be measured.

    Raises UsageError where no step of the platform finds the app, where it finds another one than asked for, and where
    its workers do not serve the interface of the app.
    """
    start = decided_start(app, settings, python=python)
    more = f"`functune doctor {app.folder} --plan app-service` says more"
    version = ".".join(map(str, start.deployed.python))
    if start.decision.step == "default page":
        tried = " ".join(each.reason for each in start.decision.tried)
        raise UsageError(
            f"--host {APP_SERVICE_HOST}: with Python {version}, App Service starts its default page for {app.folder}: "
            f"{tried} Measure a command of your own with --app MODULE:CALLABLE --host gunicorn; {more}"
        )
    if app.entry is not None and app.entry not in (start.target, start.decision.target):
        raise UsageError(
            f"--app {app.entry} with --host {APP_SERVICE_HOST}: App Service starts {start.target} for this folder: "
            f"{start.decision.reason} Omit --app, or use --host gunicorn; {more}"
        )
    described = describe_app(ServedApp(app.folder, start.target, app.root), python)
    if described.interface != WEB_SERVERS[start.host].interface:
        raise UsageError(
            f"--host {APP_SERVICE_HOST}: with Python {version}, App Service runs {start.target} on "
            f"{start.decision.worker_class} workers, and it is {described.in_words}: "
            f"every request would fail. Use --host gunicorn for a command of your own; {more}"
        )
    return start
