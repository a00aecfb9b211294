"""
The health checks. They are the only routes without a key, so that a load balancer can call them.

host.json has no route prefix and every other route begins with ``api/``, so ``/health`` is the same path on Functions,
under Gunicorn and under Uvicorn: the prefix of host.json applies to every function, and no function can leave it.
"""

import platform
from functools import cache

import azure.functions as func

from blueprints.answers import iso_utc
from blueprints.handlers import Body, async_handler, sync_handler
from blueprints.invocations import STARTED_AT, Invocation

_PACKAGES = ("azure-functions", "azure-identity", "httpx")

blueprint = func.Blueprint()  # type: ignore[no-untyped-call]


@blueprint.route("health", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@async_handler
async def root_health(req: func.HttpRequest, invocation: Invocation) -> Body:
    """
    Answer ``healthy``, for the probes of a container and for load balancers.

    An ``async def`` needs no thread: an instance whose threads are all busy is slow but healthy, and a restart would
    end its calls.
    """
    return {"status": "healthy"}


@blueprint.route("api/health", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
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
