"""Gets a token, reports the time it took, and uses a token to read the scale settings of the app's own site."""

import os

import azure.functions as func

from blueprints import scale_settings
from blueprints.answers import iso_utc
from blueprints.credentials import Acquired, acquire_async, acquire_sync, allowed_scope
from blueprints.handlers import Body, async_handler, sync_handler
from blueprints.invocations import Invocation
from blueprints.scale_settings import READER, Reading

blueprint = func.Blueprint()  # type: ignore[no-untyped-call]


@blueprint.route("api/identity/sync", methods=["GET"])
@sync_handler
def sync_identity(req: func.HttpRequest, invocation: Invocation) -> Body:
    """Get a token from the shared credential on this thread; the response never contains the token."""
    scope = allowed_scope(req.params.get("scope"), os.environ)
    acquired = acquire_sync(scope)
    return _answer(acquired, scale_settings.reading_without_request(os.environ) or READER.wait_sync(), invocation)


@blueprint.route("api/identity/async", methods=["GET"])
@async_handler
async def async_identity(req: func.HttpRequest, invocation: Invocation) -> Body:
    """Get a token from the shared credential on the event loop; the response never contains the token."""
    scope = allowed_scope(req.params.get("scope"), os.environ)
    acquired = await acquire_async(scope)
    return _answer(
        acquired, scale_settings.reading_without_request(os.environ) or await READER.wait_async(), invocation
    )


def _answer(acquired: Acquired, reading: Reading, invocation: Invocation) -> Body:
    return {
        "acquired": True,
        "expiresOn": iso_utc(acquired.expires_on),
        "elapsedMs": acquired.elapsed_ms,
        "cached": acquired.cached,
        "scaleSettings": None if reading.settings is None else scale_settings.describe(reading),
        "scaleSettingsProblem": reading.problem,
        "worker": invocation.worker(),
    }
