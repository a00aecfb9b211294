"""
The route table, by the rules of the classic ASP.NET router that the Functions host uses (RouteCollection.cs).

The first route that matches wins, in the order of the function names; specific templates have no precedence. A route
does not match a method that it does not list.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from functune.host.route_templates import Template


@dataclass(frozen=True, slots=True)
class RouteEntry[Target]:
    """A template, the methods it takes (None: all of them) and its target."""

    template: Template
    methods: frozenset[str] | None
    target: Target


class RouteTable[Target]:
    """
    Routes in the order they are tried.

    ``table.match("GET", "/api/products/7")`` is ``(target, {"id": "7"})`` or None.
    """

    def __init__(self, routes: Iterable[RouteEntry[Target]]) -> None:
        self.routes: Sequence[RouteEntry[Target]] = tuple(routes)

    def match(self, method: str, path: str) -> tuple[Target, dict[str, str]] | None:
        """The first route whose method and template match a decoded path that begins with a slash."""
        path = path[1:]
        folded = path.lower().removesuffix("/")
        for route in self.routes:
            if route.methods is not None and method not in route.methods:
                continue
            template = route.template
            if template.literal is not None:
                if template.literal == folded:
                    return route.target, {}
                continue
            values = template.match(path)
            if values is not None:
                return route.target, values
        return None
