"""What a worker process is started with: its interpreter, the folders it imports from, and its variables."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from functune.packages.app_packages import AppPackages, PackageSource
from functune.packages.remembered import remembered_environment
from functune.packages.requirements import REQUIREMENTS, content_digests, named_requirements
from functune.packages.virtual_environment import ReportProgress, VirtualEnvironment
from functune.packages.worker_environment import worker_environment


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerStart:
    """How the workers of an app are started."""

    app: AppPackages
    """Where the packages of the app come from."""
    python: Path
    """The interpreter to run."""
    packages: tuple[Path, ...]
    """The package folders of the app, which come first on sys.path."""
    offered: Path
    """The folder with what the real worker's folder offers, which comes second."""
    own: Path
    """The folder with functune and what its worker needs, which the app does not see."""
    variables: Mapping[str, str]
    """Environment variables, in addition to those of the host."""


def worker_start(found: AppPackages, report: ReportProgress) -> WorkerStart:
    """
    Make what the workers of the app need and does not exist yet.

    ``report`` is called with each line of progress. Raises HostError, such as InstallError, when it cannot be made.
    """
    worker = worker_environment(found.interpreter, report)
    python, packages = found.python or worker.python, found.folders
    if found.source is PackageSource.SHARED:
        shared = _shared_environment(found, report)
        python, packages = shared.python, (shared.site_packages(found.interpreter.library),)
    # worker.py of the platform sets the same, so that a Python that the app starts finds the packages too. A Python of
    # an environment finds them by itself.
    is_folder = found.source is PackageSource.FOLDER
    inherited = {"PYTHONPATH": os.pathsep.join(map(str, (*packages, worker.offered)))} if is_folder else {}
    return WorkerStart(
        app=found, python=python, packages=packages, offered=worker.offered, own=worker.own, variables=inherited
    )


def _shared_environment(found: AppPackages, report: ReportProgress) -> VirtualEnvironment:
    """Links to the app's share of the environment of functune, since the rest belongs to functune."""
    file = found.script_root / REQUIREMENTS

    def find() -> VirtualEnvironment:
        # Imported here, since a host whose environment is there needs none of it.
        from functune.packages.linked import linked_environment, links_to, required_distributions

        required = required_distributions(named_requirements(file))
        return linked_environment("apps", found.interpreter, links_to(required), report)

    return remembered_environment("apps", [*found.interpreter.identity, *content_digests(file)], find)
