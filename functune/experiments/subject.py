"""
The subject of a comparison of settings: a route, a request or a mix of requests, alone or with a background load.
"""

import msgspec

from functune.experiments.requests import JOURNEY, MIX
from functune.formatting import plural


class Subject(msgspec.Struct, frozen=True, kw_only=True, order=True, forbid_unknown_fields=True, omit_defaults=True):
    """The requests that are compared, and the background load that runs at the same time."""

    route: str
    """The requests as shown: ``/api/sync/sleep?ms=100``, ``POST /api/orders``, ``mix of order (75 %), list (25 %)``."""
    background: str | None = None
    """The route that ``background_users`` other users call meanwhile; None without such users."""
    background_users: int = 0
    """Users that call the background route."""
    request: str | None = None
    """The name of the request, ``mix`` or ``locustfile``; None for one of the workload's routes."""

    @property
    def is_mix(self) -> bool:
        """Whether it stands for several kinds of requests, so that its setting is one for the app."""
        return self.request in (MIX, JOURNEY)

    def __str__(self) -> str:
        if not self.background_users:
            return self.route
        verb = "calls" if self.background_users == 1 else "call"
        return f"{self.route} while {plural(self.background_users, 'user')} {verb} {self.background}"
