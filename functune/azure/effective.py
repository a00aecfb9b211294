"""What is configured for an app, and what takes effect: docs/azure-live.md has the source of each rule."""

import msgspec

from functune.azure.change import is_secret
from functune.azure.present import DEFAULT_MEMORY_MB, PYTHON_CONCURRENCY, shape_of_site
from functune.azure.site import ALWAYS_READY, CONCURRENCY, MEMORY, MOST_INSTANCES, UPDATES, LiveSite
from functune.setting import DEFAULT_THREAD_COUNT, MAX_CONCURRENT_REQUESTS, PROCESS_COUNT, THREAD_COUNT
from functune.shapes import cores_in_words

DYNAMIC = "FUNCTIONS_WORKER_DYNAMIC_CONCURRENCY_ENABLED"
_OF_INTEREST = (MAX_CONCURRENT_REQUESTS, "AzureFunctionsJobHost__extensions__http__maxOutstandingRequests", DYNAMIC)
"""Other app settings that are shown where they are set."""


class LiveSetting(msgspec.Struct, frozen=True, kw_only=True):
    """One setting of an app."""

    name: str
    configured: str | None
    """None where it is not set."""
    effective: str


def live_settings(site: LiveSite) -> tuple[LiveSetting, ...]:
    """The settings that decide on concurrency. No value of another app setting is in them."""
    return (*(scale_rows(site) if site.is_flex else ()), *setting_rows(site))


def scale_rows(site: LiveSite) -> tuple[LiveSetting, ...]:
    """The settings of functionAppConfig."""
    ready = ", ".join(f"{name}: {many}" for name, many in site.always_ready.items())
    return (
        LiveSetting(name=MEMORY, configured=text_of(site.memory_mb), effective=instance_in_words(site)),
        LiveSetting(
            name=CONCURRENCY,
            configured=text_of(site.per_instance_concurrency),
            effective=concurrency_in_words(site),
        ),
        LiveSetting(
            name=MOST_INSTANCES,
            configured=text_of(site.maximum_instances),
            effective=f"{site.most_instances} instances on demand for each group of functions",
        ),
        LiveSetting(name=ALWAYS_READY, configured=ready or None, effective=ready or "none: it scales to zero"),
        LiveSetting(
            name=UPDATES,
            configured=(site.config.get(UPDATES) or {}).get("type"),
            effective="a change drains instance by instance"
            if site.is_rolling
            else "a change restarts all instances at once, and calls in flight are lost",
        ),
    )


def instance_in_words(site: LiveSite) -> str:
    """The memory in effect, with the cores that come with it."""
    memory, shape = site.memory_mb or DEFAULT_MEMORY_MB, shape_of_site(site)
    return f"{memory} MB" if shape is None else f"{memory} MB, typically with {cores_in_words(shape.cores)}"


def concurrency_in_words(site: LiveSite) -> str:
    """The concurrency in effect."""
    if site.per_instance_concurrency is not None:
        return f"{site.per_instance_concurrency} at a time"
    if site.runtime.startswith("python"):
        return f"{PYTHON_CONCURRENCY} at a time, the default for Python"
    return "the default of its runtime and size"


def setting_rows(site: LiveSite) -> tuple[LiveSetting, ...]:
    """The app settings that decide on concurrency."""
    processes, threads = site.app_settings.get(PROCESS_COUNT), site.app_settings.get(THREAD_COUNT)
    known = processes or "1"
    on_plan = f"{known}, although it is documented as not valid on Flex Consumption" if site.is_flex else known
    return (
        LiveSetting(name=PROCESS_COUNT, configured=processes, effective=on_plan if processes else known),
        LiveSetting(
            name=THREAD_COUNT,
            configured=threads,
            effective=f"{threads} per process" if threads else f"{DEFAULT_THREAD_COUNT}, which the host sets",
        ),
        *(
            LiveSetting(name=name, configured=value, effective=value)
            for name in _OF_INTEREST
            if (value := site.app_settings.get(name)) is not None and not is_secret("", value)
        ),
    )


def text_of(value: int | None) -> str | None:
    """A number as text."""
    return None if value is None else str(value)
