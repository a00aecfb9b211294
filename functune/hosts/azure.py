"""An app on Azure, by its resource id: ``--host azure:…``. Each setting is written there, and all are restored."""

import contextlib
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from dataclasses import dataclass
from functools import reduce
from types import TracebackType
from typing import Any, ClassVar, NamedTuple, Self

from functune.azure.change import SiteValues, require_no_secrets, together_with
from functune.azure.endpoint import app_url, checked_endpoint
from functune.azure.live_app import LiveApp
from functune.azure.manager import ResourceManager
from functune.azure.pace import PACE, Pace
from functune.azure.present import values_for
from functune.azure.site import LiveSite
from functune.azure.site_id import PREFIX, SiteId
from functune.azure.site_journal import SiteChange, SiteJournal
from functune.environ import resource_manager
from functune.errors import HostError, ResourceManagerError, UsageError
from functune.hosts.azure_witness import Witness
from functune.hosts.elsewhere import require_no_target
from functune.hosts.routes import listed_routes
from functune.hosts.served_app import ServedApp
from functune.setting import KNOBS, Setting
from functune.timing.asking import TIMES_SETTING

WRITE_SECONDS = 20.0
"""About how long a change takes until it reads back, and an app that has restarted until it answers."""


APPLIED_KNOBS = {"process_count", "thread_count", "per_instance_concurrency", "instance", "app_settings"}
"""The knobs that the settings of an app on Azure can have values for."""


class Allowed(NamedTuple):
    """What a plan allows for a knob."""

    words: str
    fits: Callable[[Any], bool]


FLEX_ALLOWS = {
    "process_count": Allowed("1, since other counts are documented as not valid there", lambda value: value == 1),
    "per_instance_concurrency": Allowed(
        'a number, since "unset" means 1 for Python there', lambda value: value is not None
    ),
    "instance": Allowed(
        'flex-512, flex-2048, flex-4096 or "unset"', lambda value: value is None or value.plan == "flex"
    ),
}
OTHERS_ALLOW = {
    "per_instance_concurrency": Allowed('"unset"', lambda value: value is None),
    "instance": Allowed('"unset"', lambda value: value is None),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldApp:
    """The app while a sweep changes it."""

    live: LiveApp
    present: LiveSite
    """As it was before."""
    before: SiteValues
    """What is restored, and what a setting leaves as it is."""
    base_url: str
    report: Callable[[str], None]


class AzureKind:
    """
    The function app ``site``, called with ``key`` as ``x-functions-key``; ``route`` is called to see what it does.

    Creating it raises UsageError for an address of Resource Manager that is not allowed.
    """

    runs_script_root: ClassVar[bool] = False

    def __init__(self, site: SiteId, *, key: str | None, route: str, pace: Pace = PACE) -> None:
        self.site = site
        self.key = key
        self.route = route
        self.name = f"{PREFIX}{site}"
        self._endpoint = checked_endpoint(resource_manager())
        self._pace = pace
        self._planned: tuple[Setting, ...] = ()
        self._held: HeldApp | None = None
        self._is_rolling = False

    def has_sampler(self, setting: Setting) -> bool:
        """Whether its workers write profiles."""
        return False

    def require_settable(self, settings: Collection[Setting], *, with_target: Collection[str]) -> None:
        """Check that the app itself sets what the settings have."""
        require_no_target(self.name, with_target)
        self._planned = tuple(settings)

    def require_settable_on(self, present: LiveSite) -> None:
        """Check the settings against the plan of the app. Raises UsageError."""
        require_no_secrets(present, {name for setting in self._planned for name, _ in setting.app_settings})
        for setting in self._planned:
            for name, allowed in (FLEX_ALLOWS if present.is_flex else OTHERS_ALLOW).items():
                value = getattr(setting, name)
                if not allowed.fits(value):
                    written = "unset" if value is None else value
                    raise UsageError(
                        f"{name} is {written}, and {self.site.name} is {'' if present.is_flex else 'not '}on Flex "
                        f"Consumption: allowed is {allowed.words}"
                    )
            for knob in KNOBS:
                if knob.name not in APPLIED_KNOBS and (value := getattr(setting, knob.name)) is not None:
                    raise UsageError(
                        f'{knob.name} is {value}, which no setting of an app on Azure sets: allowed is "unset"'
                    )

    def seconds(self, setting: Setting) -> float:
        """How long a change takes at most, as a rule: a restart that no answer shows is waited out."""
        return WRITE_SECONDS + self._pace.unseen_restart(is_rolling=self._is_rolling)

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator[LiveApp]:
        """The app, to be read and changed."""
        async with ResourceManager.opened(self._endpoint, pace=self._pace) as manager:
            yield LiveApp(self.site, manager, journal=SiteJournal(self.site), pace=self._pace)

    async def surveyed(self) -> tuple[LiveSite, float]:
        """The app as it is, and the seconds of a single call, after one that starts it. Raises HostError."""
        async with self.opened() as live:
            present = await live.read()
        self._is_rolling = present.is_rolling
        async with self.witness(app_url(present.host_name, self._endpoint)) as witness:
            return present, await witness.latency()

    def witness(self, base_url: str) -> Witness:
        """What calls the app to see what it does."""
        return Witness(base_url, self.route, key=self.key, pace=self._pace)

    @contextlib.asynccontextmanager
    async def lasting(self, report: Callable[[str], None]) -> AsyncIterator[None]:
        """Note what is there, and restore it at the end, whatever happened. See ChangingKind."""
        async with self.opened() as live:
            with live.journal.locked():
                require_restored(live.journal)
                present = await live.read()
                self.require_settable_on(present)
                self._is_rolling = present.is_rolling
                wanted = reduce(together_with, [sweep_values(present, each) for each in self._planned], SiteValues())
                change = live.begin("sweep", present, wanted)
                self._held = HeldApp(
                    live=live,
                    present=present,
                    before=change.before,
                    base_url=app_url(present.host_name, self._endpoint),
                    report=report,
                )
                try:
                    yield
                finally:
                    self._held = None
                    await restored(live, change, report)

    def running(self, app: ServedApp, *, setting: Setting, app_settings: Mapping[str, str] = {}) -> "AzureHost":
        """The app with this setting."""
        if self._held is None:
            raise HostError(f"{self.site.name} is changed by `functune sweep` alone, which restores it")
        return AzureHost(self, self._held, setting)


class AzureHost:
    """The app with one setting. Entering it writes the setting and waits until answers of the app agree with it."""

    pid: ClassVar[None] = None
    quota: ClassVar[None] = None
    calls_folder: ClassVar[None] = None

    def __init__(self, kind: AzureKind, held: HeldApp, setting: Setting) -> None:
        self.base_url = held.base_url
        self.key = kind.key
        self.setting_seen: bool | None = None
        self._kind = kind
        self._held = held
        self._setting = setting

    async def __aenter__(self) -> Self:
        held, setting = self._held, self._setting
        values = together_with(sweep_values(held.present, setting), held.before)
        async with self._kind.witness(self.base_url) as witness:
            workers = await witness.workers()
            seen = True
            if await held.live.write(values):
                held.report(f"{self._kind.site.name}: {setting} written, waiting for the restart")
                seen = await witness.restarted(workers, is_rolling=held.present.is_rolling)
            self.setting_seen = await witness.shows(setting) and seen
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the app running: the next setting replaces this one, and the end of the sweep restores its own."""

    def tail(self) -> str:
        """Empty: the log is on Azure."""
        return ""

    def worker_ends(self, opened: float, closed: float) -> dict[str, int]:
        """None: they are in the log on Azure."""
        return {}

    async def routes(self) -> list[str]:
        """The routes of the app; empty when its host keeps them from this key, as without the master key."""
        return await listed_routes(self.base_url, key=self.key)


def sweep_values(present: LiveSite, setting: Setting) -> SiteValues:
    """The values that give the app a setting, and have it report its times where it contains the file for that."""
    return together_with(values_for(present, setting), SiteValues(app_settings={TIMES_SETTING: "1"}))


def require_restored(journal: SiteJournal) -> None:
    """Check that no sweep has left its settings behind. Raises UsageError."""
    if (change := journal.interrupted()) is not None:
        raise UsageError(
            f"the sweep of {journal.site.name} that began at {change.at} ended before it restored the app: run "
            f"`functune azure revert {journal.site}` first"
        )


async def restored(live: LiveApp, change: SiteChange, report: Callable[[str], None]) -> None:
    """Restore the app. Raises HostError that says how to do it later."""
    report(f"{live.site.name}: restoring its own settings")
    try:
        await live.undo(change)
    except ResourceManagerError as error:
        raise HostError(
            f"{live.site.name} still has the settings of the last step: {error}. Restore its own with "
            f"`functune azure revert {live.site}`; {live.journal.path} has them"
        ) from error
