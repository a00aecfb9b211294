"""A host that runs already, at a URL: measured with the settings it has, neither started nor stopped."""

import ssl
from collections.abc import Collection, Mapping
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

import httpx

from functune.errors import HostError, UsageError

_TIMEOUT = 120.0
"""Seconds for the first answer: an app that was scaled to zero starts with it."""


class RemoteHost:
    """
    The app at ``url``, called with ``key`` as ``x-functions-key``.

    It must answer ``route`` before it is measured: HostError says so when it does not, or wants another key. Raises
    UsageError for a URL that is none, or that holds what is not shown: a key, a user name, a password.
    """

    runs_script_root: ClassVar[bool] = False
    pid: ClassVar[None] = None

    def __init__(self, url: str, *, key: str | None, route: str) -> None:
        self.base_url = checked_url(url)
        self.name = self.base_url
        self.key = key
        self._route = route

    def __call__(
        self,
        *,
        script_root: Path,
        thread_count: int | None,
        process_count: int,
        per_instance_concurrency: int | None = None,
        app_settings: Mapping[str, str] | None = None,
    ) -> Self:
        """Itself: nothing of these can be changed from here, so there is one setting, the one it has."""
        return self

    def seconds(self, process_count: int) -> float:
        """Nothing is started."""
        return 0.0

    def tail(self) -> str:
        """Nothing: its log is elsewhere."""
        return ""

    async def __aenter__(self) -> Self:
        headers = {"x-functions-key": self.key} if self.key else {}
        try:
            # The certificates the load generator trusts too: those of the system, not httpx's own.
            verify = ssl.create_default_context()
            async with httpx.AsyncClient(headers=headers, verify=verify, timeout=_TIMEOUT, trust_env=False) as client:
                status = (await client.get(self.base_url + self._route)).status_code
        except httpx.HTTPError as error:
            raise HostError(
                f"{self.base_url} cannot be reached: {type(error).__name__}: {error}. Is the app running there?"
            ) from error
        if status in {401, 403}:
            refused = "refuses the function key it was given" if self.key else "asks for a function key"
            raise HostError(f"{self.base_url}{self._route} answered {status}: it {refused}; set FUNCTUNE_KEY")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave it as it is."""


def checked_url(url: str) -> str:
    """The URL without a slash at its end. Raises UsageError when it cannot be the base of an app."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise UsageError(f"--host '{url}' is not a URL: {error}") from error
    if parsed.userinfo or parsed.query or parsed.fragment:
        raise UsageError(
            f"--host {parsed.scheme}://{parsed.host}… holds more than scheme, name, port and path; "
            "give a function key as FUNCTUNE_KEY, and parameters with the routes of the experiment"
        )
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise UsageError(f"--host '{url}': allowed are local, func, and the URL of an app, as http://127.0.0.1:7071")
    return str(parsed).rstrip("/")


def require_one_setting(settings: Collection[object]) -> None:
    """Raise UsageError unless there is one setting: those of a URL cannot be changed from here."""
    if len(settings) != 1:
        raise UsageError(
            "--host URL measures the app with the settings it has, which cannot be changed from here: allowed is one "
            f"setting, the experiments have {len(settings)} ({', '.join(map(str, settings))}). Leave the one that is "
            "set there, under [settings]"
        )


def require_no_target(experiments: Collection[str]) -> None:
    """Raise UsageError when experiments, here by name, have a target: the app at a URL cannot be pointed to it."""
    if experiments:
        raise UsageError(
            f"--host URL cannot have the app call a server of this machine, as workload.target of "
            f"{', '.join(experiments)} wants: set FETCH_URLS there, and leave the target out"
        )
