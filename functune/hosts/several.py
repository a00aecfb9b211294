"""The hosts of a run whose settings name their host: each setting runs on its own."""

from collections.abc import Collection, Mapping
from contextlib import AbstractAsyncContextManager

import msgspec

from functune.hosts.kinds import HostKind, RunningHost
from functune.hosts.served_app import ServedApp
from functune.setting import Setting


class SeveralKinds:
    """Chooses the kind by the host of a setting: ``default`` where it names none, one of ``named`` otherwise."""

    def __init__(self, default: HostKind, named: Mapping[str, HostKind]) -> None:
        self._default = default
        self._named = named
        self.name = ", ".join(kind.name for kind in named.values())

    @property
    def runs_script_root(self) -> bool:
        """Whether they run the app in a folder of this machine, as every named host does."""
        return self._default.runs_script_root

    def has_sampler(self, setting: Setting) -> bool:
        """Whether the host of the setting writes profiles."""
        return self.kind_of(setting).has_sampler(setting)

    def kind_of(self, setting: Setting) -> HostKind:
        """The kind that runs a setting."""
        return self._default if setting.host is None else self._named[setting.host]

    def require_settable(self, settings: Collection[Setting], *, with_target: Collection[str]) -> None:
        """Check the settings of each host. Raises UsageError for one that its host cannot apply."""
        for kind in {id(each): each for each in map(self.kind_of, settings)}.values():
            own = [without_host(setting) for setting in settings if self.kind_of(setting) is kind]
            kind.require_settable(own, with_target=with_target)

    def seconds(self, setting: Setting) -> float:
        """About how long the host of the setting takes to start and stop, in seconds."""
        return self.kind_of(setting).seconds(setting)

    def running(
        self, app: ServedApp, *, setting: Setting, app_settings: Mapping[str, str] = {}
    ) -> AbstractAsyncContextManager[RunningHost]:
        """The host of the setting, with this setting."""
        return self.kind_of(setting).running(app, setting=without_host(setting), app_settings=app_settings)


def without_host(setting: Setting) -> Setting:
    """The setting as its host applies it."""
    return msgspec.structs.replace(setting, host=None)
