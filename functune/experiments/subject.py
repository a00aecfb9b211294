"""The subject of a comparison of settings: a route, alone or with a background load on another route."""

import msgspec

from functune.formatting import plural


class Subject(msgspec.Struct, frozen=True, kw_only=True, order=True, forbid_unknown_fields=True, omit_defaults=True):
    """A route and the background load that runs at the same time."""

    route: str
    """Path and query that is called, e.g. ``/api/sync/sleep?ms=100``."""
    background: str | None = None
    """The route that ``background_users`` other users call meanwhile; None without such users."""
    background_users: int = 0

    def __str__(self) -> str:
        if not self.background_users:
            return self.route
        verb = "calls" if self.background_users == 1 else "call"
        return f"{self.route} while {plural(self.background_users, 'user')} {verb} {self.background}"
