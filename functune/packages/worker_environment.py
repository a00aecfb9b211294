"""
The environment of the worker itself: what the real worker's folder offers to an app, and what the app must not see.

functune's own environment holds the load generator, the report and much else, so no worker runs in it. A worker gets an
environment with links to the few packages that it needs.
"""

from dataclasses import dataclass
from pathlib import Path

from functune.packages.interpreter import Interpreter, own_interpreter
from functune.packages.remembered import remembered_environment
from functune.packages.virtual_environment import ReportProgress, VirtualEnvironment, cached_environment

OFFERED = ("azure-functions-runtime", "azure-functions", "uvloop")
"""
The packages that the real worker's folder and this one both have, with all that they require.

The real folder also holds grpcio, protobuf and python-dateutil (worker: workers/pyproject.toml), which this worker does
not use.
"""
OWN = ("msgspec",)
"""The packages that the worker needs next to functune. The app can import neither these nor functune."""
_FUNCTUNE = Path(__file__).parents[1]
_FUNCTUNE_LINK = {_FUNCTUNE.name: str(_FUNCTUNE)}
_HIDDEN = "own"
"""The folder of an environment that is not on its path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerEnvironment:
    """The folders of one worker environment."""

    python: Path
    """An interpreter without any packages but the offered ones."""
    offered: Path
    """The folder with what the real worker's folder offers."""
    own: Path
    """The folder with functune and what its worker needs."""


def worker_environment(interpreter: Interpreter, report: ReportProgress) -> WorkerEnvironment:
    """
    The environment for workers that run with ``interpreter``; it is made when it is not there yet.

    It consists of links to packages installed with functune. An interpreter with another ABI cannot load those, and
    gets the same versions from the package index; ``report`` is called with each line of that. Raises HostError.
    """
    has_own_abi = interpreter.abi == own_interpreter().abi
    make = linked_worker_environment if has_own_abi else installed_worker_environment
    asked = [*interpreter.identity, *OFFERED, *OWN, str(_FUNCTUNE)]
    return environment_folders(remembered_environment("workers", asked, lambda: make(interpreter, report)), interpreter)


def linked_worker_environment(interpreter: Interpreter, report: ReportProgress) -> VirtualEnvironment:
    """An environment of links to the packages that are installed with functune."""
    # Imported here, as below, since a host whose environment is there needs none of it.
    from packaging.requirements import Requirement

    from functune.packages.linked import linked_environment, links_to, required_distributions

    hidden = links_to(required_distributions(map(Requirement, OWN))) | _FUNCTUNE_LINK
    return linked_environment(
        "workers",
        interpreter,
        links_to(required_distributions(map(Requirement, OFFERED))),
        report,
        hidden={f"{_HIDDEN}/{entry}": target for entry, target in hidden.items()},
    )


def installed_worker_environment(interpreter: Interpreter, report: ReportProgress) -> VirtualEnvironment:
    """An environment with the versions that are installed with functune, from the package index."""
    from importlib.metadata import version

    from functune.packages.install import install, make_environment
    from functune.packages.linked import make_links

    offered, own = ([f"{name}=={version(name)}" for name in names] for names in (OFFERED, OWN))

    def make(environment: VirtualEnvironment) -> None:
        report(f"Installing the packages of the worker for {interpreter.words} into {environment.path}")
        make_environment(environment, interpreter, report, with_pip=True)
        hidden = environment.path / _HIDDEN
        install(environment, interpreter, offered, folder=environment.path, report=report)
        install(environment, interpreter, ["--target", str(hidden), *own], folder=environment.path, report=report)
        make_links(hidden, _FUNCTUNE_LINK)

    return cached_environment("workers", [*interpreter.identity, *offered, *own, str(_FUNCTUNE)], make, report)


def environment_folders(made: VirtualEnvironment, interpreter: Interpreter) -> WorkerEnvironment:
    """The folders of a worker environment that was made for ``interpreter``."""
    return WorkerEnvironment(
        python=made.python, offered=made.site_packages(interpreter.library), own=made.path / _HIDDEN
    )
