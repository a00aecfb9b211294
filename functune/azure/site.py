"""An app as Resource Manager has it."""

from collections.abc import Mapping
from typing import Any

import msgspec

from functune.azure.manager import ResourceManager
from functune.azure.site_id import SiteId
from functune.errors import ResourceManagerError
from functune.shapes import DEFAULT_MAXIMUM_INSTANCES

FLEX_SKU = "FlexConsumption"
MEMORY, MOST_INSTANCES, ALWAYS_READY = "instanceMemoryMB", "maximumInstanceCount", "alwaysReady"
TRIGGERS, CONCURRENCY = "triggers", "perInstanceConcurrency"
"""Fields of functionAppConfig.scaleAndConcurrency; the concurrency is that of ``http`` among the triggers."""
UPDATES = "siteUpdateStrategy"
RECREATE, ROLLING = "Recreate", "RollingUpdate"
"""Values of its type."""


class LiveSite(msgspec.Struct, frozen=True, kw_only=True):
    """A function app. The values of its app settings can be secrets."""

    id: SiteId
    properties: dict[str, Any]
    app_settings: dict[str, str]
    tags: dict[str, str] = {}
    location: str = ""

    @property
    def config(self) -> dict[str, Any]:
        """functionAppConfig as it is; empty on plans other than Flex Consumption."""
        return self.properties.get("functionAppConfig") or {}

    @property
    def is_flex(self) -> bool:
        """Whether it is on Flex Consumption."""
        return bool(self.config) or self.properties.get("sku") == FLEX_SKU

    @property
    def sku(self) -> str:
        """The name of its plan's kind; empty where it is not said."""
        return str(self.properties.get("sku") or "")

    @property
    def scale(self) -> dict[str, Any]:
        """functionAppConfig.scaleAndConcurrency."""
        return self.config.get("scaleAndConcurrency") or {}

    @property
    def memory_mb(self) -> int | None:
        """The memory of an instance; None where it is not said."""
        return whole(self.scale.get(MEMORY))

    @property
    def per_instance_concurrency(self) -> int | None:
        """The requests that an instance takes at a time; None where the default applies."""
        return concurrency_of(self.scale.get(TRIGGERS))

    @property
    def maximum_instances(self) -> int | None:
        """The most instances of a group; None where the default applies."""
        return whole(self.scale.get(MOST_INSTANCES))

    @property
    def most_instances(self) -> int:
        """The most instances of a group in effect."""
        return self.maximum_instances or DEFAULT_MAXIMUM_INSTANCES

    @property
    def always_ready(self) -> dict[str, int]:
        """Instances that are always ready, by group."""
        groups = self.scale.get(ALWAYS_READY) or []
        return {str(each.get("name")): whole(each.get("instanceCount")) or 0 for each in groups}

    @property
    def update_strategy(self) -> str:
        """How a change reaches the instances."""
        return str((self.config.get(UPDATES) or {}).get("type") or RECREATE)

    @property
    def is_rolling(self) -> bool:
        """Whether a change drains instance by instance, instead of restarting all at once."""
        return self.update_strategy == ROLLING

    @property
    def runtime(self) -> str:
        """``python 3.13``."""
        found = self.config.get("runtime") or {}
        return f"{found.get('name', 'unknown runtime')} {found.get('version', '')}".strip()

    @property
    def host_name(self) -> str:
        """The name of the app's host."""
        return str(self.properties.get("defaultHostName") or f"{self.id.name}.azurewebsites.net")


async def read_site(manager: ResourceManager, site: SiteId) -> LiveSite:
    """The app with its app settings. Raises ResourceManagerError."""
    document = await manager.get(site.path)
    properties = document.get("properties")
    if not isinstance(properties, dict) or "functionapp" not in str(document.get("kind", "")).lower():
        raise ResourceManagerError(f"{site.name} is not a function app: name the resource id of one")
    return LiveSite(
        id=site,
        properties=properties,
        app_settings=await read_app_settings(manager, site),
        tags={str(key): str(value) for key, value in (document.get("tags") or {}).items()},
        location=str(document.get("location", "")),
    )


async def read_app_settings(manager: ResourceManager, site: SiteId) -> dict[str, str]:
    """The app settings. Their values are removed from messages of ``manager`` from now on."""
    document = await manager.post(f"{site.path}/config/appsettings/list")
    properties = document.get("properties") or {}
    found = {str(name): "" if value is None else str(value) for name, value in properties.items()}
    manager.hide(found)
    return found


def concurrency_of(triggers: Mapping[str, Any] | None) -> int | None:
    """perInstanceConcurrency in ``triggers``, which is null where nothing is set."""
    return whole(((triggers or {}).get("http") or {}).get(CONCURRENCY))


def whole(value: object) -> int | None:
    """The value where it is a whole number."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None
