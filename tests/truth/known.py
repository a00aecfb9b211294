"""Handlers of known limits: the comments in the apps that say what limits each route, and at which line."""

import re
from pathlib import Path
from typing import NamedTuple

APPS = Path(__file__).parent / "apps"
_COMMENT = re.compile(r"# limit: (?P<kind>\w+) of (?P<route>/\S+?)(?P<no_line>, no line)?$")


class KnownLimit(NamedTuple):
    """The truth about one route."""

    route: str
    kind: str
    place: str | None
    """``file:line`` below the app's folder; None where no line is the reason."""


def known_limits(app: str) -> dict[str, KnownLimit]:
    """The limits of an app's routes, by route. Raises ValueError for a route that is marked twice."""
    found: dict[str, KnownLimit] = {}
    for path in sorted((APPS / app).rglob("*.py")):
        for number, text in enumerate(path.read_text().splitlines(), start=1):
            if (comment := _COMMENT.search(text)) is None:
                continue
            route = comment["route"]
            if route in found:
                raise ValueError(f"{app}: the limit of {route} is marked twice")
            place = None if comment["no_line"] else f"{path.relative_to(APPS / app).as_posix()}:{number}"
            found[route] = KnownLimit(route, comment["kind"], place)
    return found
