"""
Says which interface an app has and which routes, in a process with the interpreter and the packages of the app::

    FUNCTUNE_SCRIPT_ROOT=/srv/orders FUNCTUNE_APP=src.app:app python -m functune.middleware.description

One line of its output begins with ``functune: `` and goes on in JSON. The app may print others.
"""

import inspect
import json
from collections.abc import Iterator
from typing import Any

from functune.environ import app_entry
from functune.errors import FunctuneError, UsageError
from functune.middleware.entry import app_of_process

_METHODS_OF_THE_SERVER = {"HEAD", "OPTIONS"}
"""Methods that Flask and Starlette add to a route by themselves."""


def interface_of(loaded: Any) -> str:
    """``asgi`` or ``wsgi``. Raises UsageError for anything that is neither."""
    if not callable(loaded):
        raise UsageError(
            f"--app {app_entry()} is of type {type(loaded).__name__}, which is neither a WSGI nor an ASGI app"
        )
    function = loaded if inspect.isroutine(loaded) or inspect.isclass(loaded) else loaded.__call__
    if inspect.iscoroutinefunction(function):
        return "asgi"
    match positional_count(function):
        case None:
            pass
        case 2:
            return "wsgi"
        case 3:
            return "asgi"
        case 0:
            raise UsageError(f"--app {app_entry()} takes no arguments; where it makes the app, write {app_entry()}()")
    raise UsageError(
        f"--app {app_entry()} is neither a WSGI app, which takes (environ, start_response), nor an ASGI app, which "
        "takes (scope, receive, send)"
    )


def positional_count(function: Any) -> int | None:
    """The arguments that a function needs by place; None where it takes any number."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    every = inspect.signature(function).parameters.values()
    if any(each.kind is inspect.Parameter.VAR_POSITIONAL for each in every):
        return None
    return sum(each.kind in kinds and each.default is inspect.Parameter.empty for each in every)


def declared_routes(loaded: Any) -> Iterator[str]:
    """
    The routes of a Flask, Starlette or FastAPI app, such as ``GET /orders/{id}``; none of another.

    Those that the frameworks add are left out: static files, and the pages that document an API.
    """
    rules = getattr(getattr(loaded, "url_map", None), "iter_rules", None)
    if rules is not None:
        for rule in rules():
            if rule.endpoint != "static":
                yield from route_texts(rule.methods, rule.rule)
        return
    for route in getattr(loaded, "routes", None) or ():
        if hasattr(route, "path") and hasattr(route, "endpoint") and getattr(route, "include_in_schema", True):
            yield from route_texts(getattr(route, "methods", None), route.path)


def route_texts(methods: Any, path: str) -> Iterator[str]:
    """The route with each of its methods."""
    for method in sorted(set(methods or ["ANY"]) - _METHODS_OF_THE_SERVER):
        yield f"{method} {path}"


def description() -> dict[str, Any]:
    """The description, or the error."""
    try:
        loaded = app_of_process()
        return {"interface": interface_of(loaded), "routes": list(declared_routes(loaded))}
    except FunctuneError as error:
        return {"error": str(error), "is_usage": isinstance(error, UsageError)}


if __name__ == "__main__":
    print(f"\nfunctune: {json.dumps(description())}", flush=True)
