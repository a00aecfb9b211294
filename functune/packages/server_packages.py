"""The web servers that the lab starts, for apps that do not bring their own."""

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

from functune.errors import UsageError
from functune.packages.interpreter import Interpreter
from functune.packages.linked import linked_environment, links_to, required_distributions
from functune.packages.remembered import remembered_environment
from functune.packages.virtual_environment import ReportProgress, VirtualEnvironment

SERVER_PACKAGES = ("gunicorn", "uvicorn", "uvicorn-worker", "httptools", "packaging")
"""The servers, the parser that Uvicorn prefers, and what functune.asgi needs that a worker does not."""
EXTRA = "servers"
"""The extra of functune that installs them."""


def require_server(name: str) -> None:
    """Check that a server is installed with functune. Raises UsageError with the command that installs it."""
    try:
        distribution(name)
    except PackageNotFoundError as error:
        raise UsageError(
            f"--host {name}: the package {name} is not installed with functune; run: pip install 'functune[{EXTRA}]'"
        ) from error


def server_packages(interpreter: Interpreter, report: ReportProgress) -> Path:
    """
    A package folder with the servers that are installed with functune, for a process that runs ``interpreter``.

    It is made when it is not there yet. Raises HostError when it cannot be made.
    """

    def find() -> VirtualEnvironment:
        required = required_distributions(map(Requirement, SERVER_PACKAGES))
        return linked_environment("servers", interpreter, links_to(required), report)

    made = remembered_environment("servers", [*interpreter.identity, *SERVER_PACKAGES], find)
    return made.site_packages(interpreter.library)
