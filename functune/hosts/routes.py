"""The routes of an app, from the function list of its host."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import httpx

from functune.hosts.app_client import app_client

_TIMEOUT = 10.0
"""Seconds."""
_PARAMETER = re.compile(r"\{\*{0,2}([A-Za-z_]\w*)[^{}/]*\}")
"""A parameter of a route: ``{id}``, ``{id:int?}``, ``{*rest}``."""


class AppRoute(NamedTuple):
    """One route of an app with one of its methods."""

    method: str
    """In upper case; ``ANY`` where the app allows all."""
    path: str
    """With its parameters as ``{id}``, without their constraints."""
    parameters: tuple[str, ...]

    @property
    def sent_method(self) -> str:
        """The method to call it with."""
        return "GET" if self.method == "ANY" else self.method

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def app_routes(listed: Iterable[str]) -> list[AppRoute]:
    """The routes of a list of texts such as ``GET /api/orders/{id:int}``."""
    found = []
    for text in listed:
        method, _, path = text.partition(" ")
        parameters = tuple(dict.fromkeys(_PARAMETER.findall(path)))
        found.append(AppRoute(method, _PARAMETER.sub(r"{\1}", path), parameters))
    return found


async def listed_routes(base_url: str, *, key: str | None = None) -> list[str]:
    """
    The routes at a base URL, such as ``GET /api/x``, in the order the host tries them.

    Empty when the host does not answer, refuses ``key``, or answers something other than a function list: these routes
    are an addition to an error message, and must not replace it.
    """
    try:
        async with app_client(key, timeout=_TIMEOUT) as client:
            response = await client.get(f"{base_url}/admin/functions")
            functions = response.json() if response.status_code == 200 else None
    except (httpx.HTTPError, ValueError):
        return []
    return http_routes(functions)


def http_routes(functions: object) -> list[str]:
    """The routes in the document of ``/admin/functions``, one for each method; ``ANY`` where all are allowed."""
    if not isinstance(functions, list):
        return []
    return [route for function in functions if isinstance(function, dict) for route in _routes(function)]


def _routes(function: Mapping[str, Any]) -> Iterator[str]:
    url = function.get("invoke_url_template")
    config = function.get("config")
    if not isinstance(url, str) or not isinstance(config, dict) or function.get("isDisabled"):
        return
    for binding in config.get("bindings") or []:
        if isinstance(binding, dict) and str(binding.get("type", "")).lower() == "httptrigger":
            for method in binding.get("methods") or ["any"]:
                # Not by urlsplit, for which the ? of an optional parameter begins a query.
                yield f"{str(method).upper()} /{url.partition('://')[2].partition('/')[2]}"
