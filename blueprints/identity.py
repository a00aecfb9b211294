"""Whether this app can get a token, and what that costs the first time and after."""

import os

import azure.functions as func

from blueprints.answers import iso_utc
from blueprints.credentials import Acquired, acquire_async, acquire_sync, allowed_scope
from blueprints.handlers import Body, async_handler, sync_handler
from blueprints.invocations import Invocation

blueprint = func.Blueprint()  # type: ignore[no-untyped-call]


@blueprint.route("identity/sync", methods=["GET"])
@sync_handler
def sync_identity(req: func.HttpRequest, invocation: Invocation) -> Body:
    """Get a token through the shared credential on this thread; the answer never holds the token."""
    scope = allowed_scope(req.params.get("scope"), os.environ)
    return _answer(acquire_sync(scope), invocation)


@blueprint.route("identity/async", methods=["GET"])
@async_handler
async def async_identity(req: func.HttpRequest, invocation: Invocation) -> Body:
    """Get a token through the shared credential on the event loop; the answer never holds the token."""
    scope = allowed_scope(req.params.get("scope"), os.environ)
    return _answer(await acquire_async(scope), invocation)


def _answer(acquired: Acquired, invocation: Invocation) -> Body:
    return {
        "acquired": True,
        "expiresOn": iso_utc(acquired.expires_on),
        "elapsedMs": acquired.elapsed_ms,
        "cached": acquired.cached,
        "worker": invocation.worker(),
    }
