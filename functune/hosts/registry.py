"""The host kinds by the name that ``--host`` takes. A new kind is a file of its own and an entry here."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from functune.errors import UsageError
from functune.hosts.func import CoreTools
from functune.hosts.kinds import HostKind
from functune.hosts.local import LocalHostKind
from functune.hosts.url import RemoteHost


class StartedKind(NamedTuple):
    """A kind of host that is started here."""

    words: str
    """For help texts."""
    find: Callable[[str | None], HostKind]
    """
    Finds it on this machine, for workers that run with the interpreter given; None for the one of the app's packages.

    Raises UsageError saying what to install when it is not there.
    """


STARTED_KINDS: Mapping[str, StartedKind] = {
    "local": StartedKind("functune's own host", LocalHostKind),
    "func": StartedKind("`func start` of Core Tools", CoreTools.installed),
}
HOST_CHOICES = "|".join([*STARTED_KINDS, "URL"])
"""The values of ``--host``, for help texts."""
HOST_WORDS = ", ".join([*(kind.words for kind in STARTED_KINDS.values()), "or the app that runs at a URL"])


def host_kind(host: str, *, key: str | None = None, route: str = "/", python: str | None = None) -> HostKind:
    """
    The kind that a value of ``--host`` names. ``key`` and ``route`` are for a URL: see RemoteHost.

    ``python`` is the interpreter whose packages the app gets on a host that is started here; None for those that the
    app comes with.

    Raises UsageError for an unknown name, a URL that is not the base of an app, and a kind that is not installed.
    """
    if started := STARTED_KINDS.get(host):
        return started.find(python)
    if "://" not in host:
        names = ", ".join(STARTED_KINDS)
        raise UsageError(f"--host '{host}': allowed are {names}, and the URL of an app, such as http://127.0.0.1:7071")
    if python is not None:
        raise UsageError(f"--python and --install go with --host local or func; the app at {host} has its own packages")
    return RemoteHost(host, key=key, route=route)
