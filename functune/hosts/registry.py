"""The host kinds by the name that ``--host`` takes. A new kind is a file of its own and an entry here."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from functune.errors import UsageError
from functune.hosts.func import CoreTools
from functune.hosts.kinds import HostKind
from functune.hosts.local import LOCAL_HOST
from functune.hosts.url import RemoteHost


class StartedKind(NamedTuple):
    """A kind of host that is started here."""

    words: str
    """For help texts."""
    find: Callable[[], HostKind]
    """Finds it on this machine. Raises UsageError saying what to install when it is not there."""


STARTED_KINDS: Mapping[str, StartedKind] = {
    "local": StartedKind("functune's own host", lambda: LOCAL_HOST),
    "func": StartedKind("`func start` of Core Tools", CoreTools.installed),
}
HOST_CHOICES = "|".join([*STARTED_KINDS, "URL"])
"""The values of ``--host``, for help texts."""
HOST_WORDS = ", ".join([*(kind.words for kind in STARTED_KINDS.values()), "or the app that runs at a URL"])


def host_kind(host: str, *, key: str | None = None, route: str = "/") -> HostKind:
    """
    The kind that a value of ``--host`` names. ``key`` and ``route`` are for a URL: see RemoteHost.

    Raises UsageError for an unknown name, a URL that is not the base of an app, and a kind that is not installed.
    """
    if started := STARTED_KINDS.get(host):
        return started.find()
    if "://" not in host:
        names = ", ".join(STARTED_KINDS)
        raise UsageError(f"--host '{host}': allowed are {names}, and the URL of an app, such as http://127.0.0.1:7071")
    return RemoteHost(host, key=key, route=route)
