"""The health check. It is the only route without a key, so that a load balancer can call it."""

import platform
from functools import cache

import azure.functions as func

from blueprints.answers import iso_utc
from blueprints.handlers import Body, sync_handler
from blueprints.invocations import STARTED_AT, Invocation

_PACKAGES = ("azure-functions", "azure-identity", "httpx")

blueprint = func.Blueprint()  # type: ignore[no-untyped-call]


@blueprint.route("health", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@sync_handler
def health(req: func.HttpRequest, invocation: Invocation) -> Body:
    """Answer ``healthy``, with the versions that this worker runs and its start time."""
    return {
        "status": "healthy",
        "python": platform.python_version(),
        "packages": package_versions(),
        "startedAt": iso_utc(STARTED_AT),
    }


@cache
def package_versions() -> dict[str, str]:
    """Versions of the packages the app may import, without importing them."""
    # Reading the metadata takes an import and some file access, so it is done once, on first use.
    from importlib.metadata import version

    return {package: version(package) for package in _PACKAGES}
