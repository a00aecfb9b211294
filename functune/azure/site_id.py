"""The resource id of a function app."""

import hashlib
import re
from typing import NamedTuple

from functune.errors import UsageError

PREFIX = "azure:"
"""What comes before the id in a value of ``--host``."""
_SHAPE = re.compile(
    r"/subscriptions/([\w-]+)/resourceGroups/([\w.()-]+)/providers/Microsoft\.Web/sites/([\w-]+)", re.IGNORECASE
)


class SiteId(NamedTuple):
    """The id of an app, as Resource Manager names it: ``SiteId("0a1b…", "rg-orders", "orders")``."""

    subscription: str
    group: str
    name: str

    @property
    def path(self) -> str:
        """The path of its URLs."""
        return (
            f"/subscriptions/{self.subscription}/resourceGroups/{self.group}/providers/Microsoft.Web/sites/{self.name}"
        )

    @property
    def digest(self) -> str:
        """A short text that differs between apps. Resource Manager ignores the case of letters."""
        return hashlib.sha256(self.path.lower().encode()).hexdigest()[:12]

    def __str__(self) -> str:
        return self.path


def parse_site_id(text: str) -> SiteId:
    """The id in a text, with or without ``azure:`` before it. Raises UsageError."""
    found = _SHAPE.fullmatch(text.removeprefix(PREFIX).rstrip("/"))
    if found is None:
        raise UsageError(
            f"'{text}' is not the resource id of a function app: allowed is /subscriptions/<id>/resourceGroups/<group>/"
            "providers/Microsoft.Web/sites/<name>, which `az functionapp show --query id` prints; deployment slots are "
            "not supported"
        )
    return SiteId(*found.groups())


def names_site(host: str | None) -> bool:
    """Whether a value of ``--host`` names an app on Azure."""
    return (host or "").startswith(PREFIX)
