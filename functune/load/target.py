"""The target that an app under load calls: a server with a known delay, and the app settings that point to it."""

import contextlib
from collections.abc import AsyncIterator

from functune.experiments.model import Target
from functune.load.calibration import null_server


@contextlib.asynccontextmanager
async def target_settings(target: Target | None) -> AsyncIterator[dict[str, str]]:
    """
    Start the target on this machine and give the app settings that point the app to it; none without a target.

    Its urls differ in their query, because the app refuses equal ones. The target ends on the way out.
    """
    if target is None:
        yield {}
        return
    async with null_server(delay_ms=target.delay_ms) as base_url:
        yield {
            "FETCH_URLS": ",".join(f"{base_url}/?n={number}" for number in range(1, target.urls + 1)),
            # Otherwise a list in local.settings.json would forbid them.
            "FETCH_ALLOWED_HOSTS": base_url.removeprefix("http://"),
        }
