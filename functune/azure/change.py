"""Values of an app to set, as Resource Manager takes them, and the difference that they make."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from functune.azure.site import CONCURRENCY, MEMORY, TRIGGERS, LiveSite, concurrency_of
from functune.errors import UsageError

_SECRET_NAME = re.compile(
    r"key|secret|passw|pwd|token|credential|connection|connstr|sas(?![a-z])|signature|webjobsstorage", re.IGNORECASE
)
_SECRET_VALUE = re.compile(
    r"(accountkey|sharedaccess\w*|password|pwd|sig|code)=|://[^/\s:@]+:[^/\s@]+@|-----BEGIN", re.IGNORECASE
)


class SiteValues(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    Values of an app: those to set, or those that were there before.

        SiteValues(scale={"instanceMemoryMB": 512, "triggers": None}, app_settings={"DB_POOL_SIZE": "16"})
    """

    scale: dict[str, Any] = {}
    """Fields of functionAppConfig.scaleAndConcurrency, whole."""
    app_settings: dict[str, str | None] = {}
    """App settings by name; None for one that is to be removed, or was not there."""


def wanted_values(
    site: LiveSite,
    *,
    memory_mb: int | None = None,
    concurrency: int | None = None,
    sets_concurrency: bool = True,
    app_settings: Mapping[str, str | None] = {},
) -> SiteValues:
    """
    The values that set an app.

    No memory leaves it as it is. No concurrency returns to the default, unless ``sets_concurrency`` is false.
    """
    scale: dict[str, Any] = {} if memory_mb is None else {MEMORY: memory_mb}
    if sets_concurrency:
        scale[TRIGGERS] = triggers_with(site.scale.get(TRIGGERS), concurrency)
    return SiteValues(scale=scale, app_settings=dict(app_settings))


def triggers_with(present: Mapping[str, Any] | None, concurrency: int | None) -> dict[str, Any] | None:
    """``triggers`` with another concurrency of HTTP; None where nothing is left in it."""
    others = {name: value for name, value in (present or {}).items() if name != "http" and value is not None}
    found = others if concurrency is None else {**others, "http": {CONCURRENCY: concurrency}}
    return found or None


def values_now(site: LiveSite, names: SiteValues) -> SiteValues:
    """The present values of what ``names`` has: those to restore."""
    return SiteValues(
        scale={name: site.scale.get(name) for name in names.scale},
        app_settings={name: site.app_settings.get(name) for name in names.app_settings},
    )


def together_with(first: SiteValues, second: SiteValues) -> SiteValues:
    """The values of both; those of the first count where both have one."""
    return SiteValues(scale={**second.scale, **first.scale}, app_settings={**second.app_settings, **first.app_settings})


def config_with(site: LiveSite, scale: Mapping[str, Any]) -> dict[str, Any]:
    """The whole functionAppConfig with other fields of scaleAndConcurrency: it is replaced as one."""
    return {**site.config, "scaleAndConcurrency": {**site.scale, **scale}}


def settings_with(present: Mapping[str, str], changed: Mapping[str, str | None]) -> dict[str, str]:
    """All app settings with some changed: a write replaces all of them."""
    merged = {**present, **changed}
    return {name: value for name, value in merged.items() if value is not None}


def scale_differs(site: LiveSite, values: SiteValues) -> bool:
    """Whether the app has other values in scaleAndConcurrency."""
    return any(
        shown_scale(name, site.scale.get(name)) != shown_scale(name, value) for name, value in values.scale.items()
    )


def settings_differ(site: LiveSite, values: SiteValues) -> bool:
    """Whether the app has other values of these app settings."""
    return any(site.app_settings.get(name) != value for name, value in values.app_settings.items())


class ChangedValue(msgspec.Struct, frozen=True, kw_only=True):
    """A value that differs, before and after a change, for readers."""

    name: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.name}: {self.before} -> {self.after}"


def difference(site: LiveSite, values: SiteValues) -> list[ChangedValue]:
    """What the values change, as lines: ``instanceMemoryMB: 2048 -> 512``. Secrets are refused before."""
    found = []
    for name, value in values.scale.items():
        before, after = shown_scale(name, site.scale.get(name)), shown_scale(name, value)
        if before != after:
            found.append(ChangedValue(name=CONCURRENCY if name == TRIGGERS else name, before=before, after=after))
    for name, text in values.app_settings.items():
        was = site.app_settings.get(name)
        if was != text:
            found.append(ChangedValue(name=name, before=shown_setting(was), after=shown_setting(text)))
    return found


def shown_scale(name: str, value: Any) -> str:
    """A field of scaleAndConcurrency for readers."""
    if name == TRIGGERS:
        concurrency = concurrency_of(value)
        return "default" if concurrency is None else str(concurrency)
    return "default" if value is None else str(value)


def shown_setting(value: str | None) -> str:
    """The value of an app setting for readers."""
    return "unset" if value is None else repr(value) if value.strip() != value or not value else value


def require_no_secrets(site: LiveSite, names: Iterable[str]) -> None:
    """
    Check that no app setting to be changed is a secret, by its name or its present value.

    The journal, a file, keeps the present values, so that they can be restored. Raises UsageError.
    """
    for name in names:
        if is_secret(name, site.app_settings.get(name) or ""):
            raise UsageError(
                f"the app setting {name} of {site.id.name} looks like a secret, and functune writes the value to "
                "restore into a file: allowed are settings that are not secret"
            )


def is_secret(name: str, value: str) -> bool:
    """Whether an app setting looks like a secret."""
    return bool(_SECRET_NAME.search(name) or _SECRET_VALUE.search(value))
