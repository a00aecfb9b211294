"""
The host kinds by the name that ``--host`` takes.

A new kind is one file of this folder: a module with a constant ``STARTED``, which is found here.
"""

import pkgutil
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import NoReturn

import functune.hosts
from functune.azure.site_id import names_site, parse_site_id
from functune.base_url import shown_url
from functune.errors import UsageError
from functune.hosts.azure import AzureKind
from functune.hosts.kinds import HostKind, StartedKind
from functune.hosts.several import SeveralKinds
from functune.hosts.url import RemoteHost


def find_started_kinds() -> dict[str, StartedKind]:
    """The kinds that the modules of this folder declare, by their name, in the order of their rank."""
    names = (module.name for module in pkgutil.iter_modules(functune.hosts.__path__, "functune.hosts."))
    modules = (import_module(name) for name in names if name != __name__)
    found = [kind for module in modules if (kind := getattr(module, "STARTED", None)) is not None]
    return {kind.name: kind for kind in sorted(found, key=lambda kind: kind.rank)}


STARTED_KINDS: Mapping[str, StartedKind] = find_started_kinds()
HOST_CHOICES = "|".join([*STARTED_KINDS, "URL", "azure:ID"])
"""The values of ``--host``, for help texts."""
STARTED_WORDS = ", ".join(kind.words for kind in STARTED_KINDS.values())
HOST_WORDS = f"{STARTED_WORDS}, the app that runs at a URL, or the one with this resource id on Azure"


def host_kind(host: str, *, key: str | None = None, route: str = "/", python: str | None = None) -> HostKind:
    """
    The kind that a value of ``--host`` names. ``key`` and ``route`` are for a URL: see RemoteHost.

    ``python`` is the interpreter whose packages the app gets on a host that is started here; None for those that the
    app comes with.

    Raises UsageError for an unknown name, a URL or a resource id that is not that of an app, and a kind that is not
    installed.
    """
    return started_kind(host, python) or _at_url(host, key=key, route=route, python=python)


def kind_for_settings(default: HostKind, hosts: Iterable[str], *, python: str | None = None) -> HostKind:
    """
    The kind that runs each setting on the host it names, one of ``hosts``, or on the default where it names none.

    Raises UsageError for an unknown name, and for a kind that is not installed.
    """
    named = {host: started_kind(host, python) or _unknown(host) for host in hosts}
    return SeveralKinds(default, named) if named else default


def started_kind(host: str, python: str | None) -> HostKind | None:
    """The kind of this name that is started here; None for another name. Raises UsageError when it is not installed."""
    name, colon, variant = host.partition(":")
    if (started := STARTED_KINDS.get(name)) and (started.variants or not colon):
        return started.find(python, variant) if colon else started.find(python)
    return None


def _unknown(host: str) -> NoReturn:
    raise UsageError(f"host '{host}' of an experiment: allowed are {', '.join(STARTED_KINDS)}")


def _at_url(host: str, *, key: str | None, route: str, python: str | None) -> HostKind:
    if names_site(host):
        require_no_packages(host, python)
        return AzureKind(parse_site_id(host), key=key, route=route)
    if "://" not in host:
        names = ", ".join(STARTED_KINDS)
        raise UsageError(
            f"--host '{shown_url(host)}': allowed are {names}, and the URL of an app, such as http://127.0.0.1:7071, "
            "or azure: with its resource id"
        )
    require_no_packages(host, python)
    return RemoteHost(host, key=key, route=route)


def require_no_packages(host: str, python: str | None) -> None:
    """Check that no packages are chosen for an app that runs elsewhere. Raises UsageError."""
    if python is not None:
        raise UsageError(
            f"--python and --install go with --host local or func; the app at {shown_url(host)} has its own packages"
        )
