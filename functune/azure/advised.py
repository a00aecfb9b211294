"""The values that a recommendation sets."""

from collections.abc import Mapping

from functune.azure.change import SiteValues, wanted_values
from functune.azure.site import CONCURRENCY, MEMORY, LiveSite, whole


def advised_values(
    site: LiveSite, parameters: Mapping[str, int | str], app_settings: Mapping[str, str | None]
) -> SiteValues:
    """
    The values for the parameters of a template and the app settings of an advice.

    What the advice does not name stays as it is.
    """
    if not site.is_flex:
        return SiteValues(app_settings=dict(app_settings))
    concurrency = whole(parameters.get(CONCURRENCY))
    return wanted_values(
        site,
        memory_mb=whole(parameters.get(MEMORY)),
        concurrency=concurrency,
        sets_concurrency=concurrency is not None,
        app_settings=app_settings,
    )
