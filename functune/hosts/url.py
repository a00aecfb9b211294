"""A running app at a URL: measured with the settings it has, neither started nor stopped."""

from collections.abc import Collection, Mapping
from types import TracebackType
from typing import ClassVar, Self

import httpx

from functune.base_url import base_url, shown_url
from functune.environ import URL_KEY
from functune.errors import HostError, UsageError
from functune.hosts.app_client import COLD_START, app_client
from functune.hosts.elsewhere import require_no_target
from functune.hosts.routes import listed_routes
from functune.hosts.served_app import ServedApp
from functune.setting import Setting


class RemoteHost:
    """
    The app at ``url``, called with ``key`` as ``x-functions-key``. It is its own kind, since nothing is started.

    It must answer ``route`` before it is measured: entering raises HostError when it does not, or asks for another key.
    Creating it raises UsageError for anything but the base URL of an app, without repeating a key or password in it.
    """

    runs_script_root: ClassVar[bool] = False
    pid: ClassVar[None] = None
    setting_seen: ClassVar[None] = None
    quota: ClassVar[None] = None

    def __init__(self, url: str, *, key: str | None, route: str) -> None:
        self.base_url = str(base_url(url, given="--host")).rstrip("/")
        self.name = self.base_url
        self.key = key
        self.calls_folder: str | None = None
        self._route = route

    def has_sampler(self, setting: Setting) -> bool:
        """Whether its workers write profiles."""
        return False

    def require_settable(self, settings: Collection[Setting], *, with_target: Collection[str]) -> None:
        """Check that there is one setting, and no target: the settings at a URL cannot be changed from here."""
        require_no_target("URL", with_target)
        if limited := [setting.instance for setting in settings if setting.instance is not None]:
            raise UsageError(
                f'--host URL measures the app on the instance it has: instance is {limited[0]}, allowed is "unset"'
            )
        if len(settings) != 1:
            raise UsageError(
                "--host URL measures the app with the settings it has, which cannot be changed from here: allowed is "
                f"one setting, the experiments have {len(settings)} ({', '.join(map(str, settings))}). Keep the one "
                "that is set there, under [settings]"
            )

    def seconds(self, setting: Setting) -> float:
        """Zero seconds, since nothing is started."""
        return 0.0

    def running(self, app: ServedApp, *, setting: Setting, app_settings: Mapping[str, str] = {}) -> Self:
        """This host, with the settings it has."""
        return self

    def tail(self) -> str:
        """Empty: the log is at the URL."""
        return ""

    def worker_ends(self, opened: float, closed: float) -> dict[str, int]:
        """None: they are in the log at the URL."""
        return {}

    async def routes(self) -> list[str]:
        """The routes of the app; empty when its host keeps them from this key, as on Azure without the master key."""
        return await listed_routes(self.base_url, key=self.key)

    async def __aenter__(self) -> Self:
        url = self.base_url + self._route
        try:
            # The body may have no end.
            async with app_client(self.key, timeout=COLD_START) as client, client.stream("GET", url) as answer:
                status = answer.status_code
        except httpx.HTTPError as error:
            raise HostError(
                f"{self.base_url} cannot be reached: {type(error).__name__}: {error}. Is the app running there?"
            ) from error
        if status in {401, 403}:
            refused = "refuses the function key it was given" if self.key else "asks for a function key"
            raise HostError(f"{shown_url(url)} answered {status}: it {refused}; set {URL_KEY}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the app running."""
