"""An app on Azure that is changed and restored."""

import asyncio
import time

from functune.azure.change import (
    SiteValues,
    config_with,
    difference,
    require_no_secrets,
    scale_differs,
    settings_differ,
    settings_with,
    values_now,
)
from functune.azure.manager import ResourceManager
from functune.azure.pace import Pace
from functune.azure.site import LiveSite, read_app_settings, read_site
from functune.azure.site_id import SiteId
from functune.azure.site_journal import ChangedBy, SiteChange, SiteJournal
from functune.errors import ResourceManagerError


class LiveApp:
    """
    One app. A change is noted in the journal before it is made::

        change = app.begin("apply", await app.read(), values)
        await app.write(values)
        await app.undo(change)

    Its methods raise ResourceManagerError.
    """

    def __init__(self, site: SiteId, manager: ResourceManager, *, journal: SiteJournal, pace: Pace) -> None:
        self.site = site
        self.journal = journal
        self._manager = manager
        self._pace = pace

    async def read(self) -> LiveSite:
        """The app as it is."""
        return await read_site(self._manager, self.site)

    def begin(self, by: ChangedBy, present: LiveSite, values: SiteValues) -> SiteChange:
        """Note what the values replace. Raises UsageError where it would be a secret."""
        require_no_secrets(present, values.app_settings)
        return self.journal.begin(by, values_now(present, values))

    async def undo(self, change: SiteChange) -> None:
        """
        Restore what was there before a change.

        It is written even where it seems to be there: a killed command may have left an operation that did not end yet.
        """
        await self.write(change.before, always=True)
        self.journal.end(change)

    async def write(self, values: SiteValues, *, always: bool = False) -> bool:
        """Set the values that differ, and wait until they read back. Returns whether something was written."""
        site = await self.read()
        has_scale = bool(values.scale) and (always or scale_differs(site, values))
        has_settings = bool(values.app_settings) and (always or settings_differ(site, values))
        if has_scale:
            await self._manager.write(
                "PATCH", self.site.path, {"properties": {"functionAppConfig": config_with(site, values.scale)}}
            )
        if has_settings:
            # Read again: a write replaces all app settings, and somebody may have changed others meanwhile.
            present = await read_app_settings(self._manager, self.site)
            await self._manager.write(
                "PUT",
                f"{self.site.path}/config/appsettings",
                {"properties": settings_with(present, values.app_settings)},
            )
        if has_scale or has_settings:
            await self._read_back(values)
        return has_scale or has_settings

    async def _read_back(self, values: SiteValues) -> None:
        """Wait until Resource Manager shows the values."""
        began = time.monotonic()
        while scale_differs(site := await self.read(), values) or settings_differ(site, values):
            if time.monotonic() - began > self._pace.give_up:
                left = "; ".join(map(str, difference(site, values)))
                raise ResourceManagerError(
                    f"{self.site.name} does not show its new values {self._pace.give_up:g} s after they were written: "
                    f"{left}"
                )
            await asyncio.sleep(self._pace.poll)
