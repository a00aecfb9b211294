"""
The functions that the host serves, from those that a worker indexed: validation, routes, allow list, disabled ones.

A function that breaks a rule of the host is dropped with an error that names it, and the others are served, as on the
platform. With a route template that is not valid, the host does not start.
"""

import json
import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from functune.host.bindings import NOT_STREAMED, dropped_outputs, is_output, unfilled_inputs
from functune.host.messages import RpcFunctionMetadata
from functune.host.route_templates import parse_template
from functune.host.routing import RouteEntry, RouteTable
from functune.host.settings import HostSettings

# The host's own patterns (Utility.cs): an underscore in a binding name is not allowed, in a function name it is.
_FUNCTION_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,127}\Z")
_BINDING_NAME = re.compile(r"(?:[A-Za-z][A-Za-z0-9]{0,127}|\$return)\Z")
_RESERVED_ROUTES = ("admin", "runtime")


@dataclass(frozen=True, slots=True)
class Function:
    """One indexed function. ``route`` is None for any other trigger than HTTP; ``methods`` None means all."""

    metadata: RpcFunctionMetadata
    bindings: tuple[dict[str, Any], ...]
    trigger: dict[str, Any]
    route: str | None
    methods: tuple[str, ...] | None
    http_output: str | None
    """Name of the HTTP output binding: ``$return`` or an ``Out`` parameter; None when there is none."""
    is_disabled: bool
    obstacle: str | None = None
    """The reason why every call fails on the local host; None when calls can succeed."""
    dropped: str | None = None
    """The warning about outputs that the local host drops; None when it drops none."""

    @property
    def name(self) -> str:
        """The function's name."""
        return self.metadata.name

    @property
    def trigger_name(self) -> str:
        """The name of its parameter for the request."""
        return str(self.trigger["name"])

    @property
    def auth_level(self) -> str:
        """Lower-cased; ``function`` unless the binding says otherwise."""
        return str(self.trigger.get("authLevel") or "function").lower()


@dataclass(frozen=True, slots=True)
class FunctionSet:
    """``functions`` in the order they are matched and listed; ``errors`` name those that were dropped, and why."""

    functions: tuple[Function, ...]
    errors: tuple[str, ...]
    not_found: tuple[str, ...] = ()
    """The names of ``functions`` in host.json, or of --functions, that the app has no function for."""

    @property
    def other_triggers(self) -> tuple[Function, ...]:
        """Functions with another trigger than HTTP; listed, but not run."""
        return tuple(function for function in self.functions if function.route is None)

    def problems(self) -> Iterator[tuple[int, str]]:
        """The messages about functions that are not served as on the platform, each with its log level."""
        for error in self.errors:
            yield logging.ERROR, error
        if self.not_found:
            asked = ", ".join(self.not_found)
            yield (
                logging.WARNING,
                f"The app has no function of this name, which --functions or host.json asks for: {asked}",
            )
        if self.other_triggers:
            names = ", ".join(function.name for function in self.other_triggers)
            yield logging.WARNING, f"The local host runs HTTP triggers only; these will not run: {names}"
        for function in self.functions:
            if function.obstacle is not None and not function.is_disabled:
                yield logging.WARNING, f"Every call of '{function.name}' will get 500: {function.obstacle}"
            if function.dropped is not None and not function.is_disabled:
                yield logging.WARNING, f"The function '{function.name}': {function.dropped}"

    def routes(self) -> RouteTable[Function]:
        """The route table. Raises RouteError when a template is not valid."""
        return RouteTable(
            RouteEntry(
                parse_template(function.route),
                None if function.methods is None else frozenset(function.methods),
                function,
            )
            for function in self.functions
            if function.route is not None and not function.is_disabled
        )


def load_functions(
    indexed: Iterable[RpcFunctionMetadata], settings: HostSettings, *, is_streaming: bool = False
) -> FunctionSet:
    """
    Validate the indexed functions and sort them by name, ordinal and without case: the order of matching.

    ``is_streaming`` says that the app uses an HTTP streaming extension, which takes all its HTTP functions.
    """
    functions: list[Function] = []
    errors: list[str] = []
    indexed = list(indexed)
    for metadata in sorted(indexed, key=lambda found: found.name.upper()):
        function = _function(metadata, settings, is_streaming=is_streaming)
        error = _error(function, functions)
        if error is not None:
            errors.append(f"The '{metadata.name}' function is in error: {error}")
        elif _is_allowed(function, settings.host_json.functions):
            functions.append(function)
    known = {metadata.name.lower() for metadata in indexed}
    not_found = (name for name in settings.host_json.functions or () if name.lower() not in known)
    return FunctionSet(tuple(functions), tuple(errors), tuple(not_found))


def _function(metadata: RpcFunctionMetadata, settings: HostSettings, *, is_streaming: bool) -> Function:
    bindings = tuple(json.loads(binding) for binding in metadata.raw_bindings)
    trigger: dict[str, Any] = next(
        (binding for binding in bindings if str(binding.get("type", "")).lower().endswith("trigger")), {}
    )
    is_http = str(trigger.get("type", "")).lower() == "httptrigger"
    http_output = next(
        (str(b["name"]) for b in bindings if str(b.get("type", "")).lower() == "http" and is_output(b)), None
    )
    return Function(
        metadata=metadata,
        bindings=bindings,
        trigger=trigger,
        route=_full_route(trigger.get("route"), metadata.name, settings.host_json.route_prefix) if is_http else None,
        methods=_methods(trigger.get("methods")),
        http_output=http_output,
        is_disabled=metadata.name.lower() in settings.disabled_functions,
        obstacle=NOT_STREAMED if is_streaming and is_http else unfilled_inputs(bindings, trigger) if is_http else None,
        dropped=dropped_outputs(bindings, http_output) if is_http else None,
    )


def _full_route(route: str | None, name: str, prefix: str) -> str:
    route = name if route is None else route
    return f"{prefix}/{route}" if prefix else route


def _methods(methods: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if methods is None else tuple(str(method).upper() for method in methods)


def _is_allowed(function: Function, allowed: Sequence[str] | None) -> bool:
    return allowed is None or function.name.lower() in {name.lower() for name in allowed}


def _error(function: Function, earlier: Sequence[Function]) -> str | None:
    """Why the host refuses this function; None when it does not."""
    name = function.name
    if not _FUNCTION_NAME.match(name) or name.lower() == "host":
        return f"'{name}' is not a function name: a letter, then up to 127 letters, digits, '_' or '-'; not 'host'"
    for binding in function.bindings:
        if not _BINDING_NAME.match(str(binding.get("name", ""))):
            return (
                f"the binding name '{binding.get('name')}' is invalid: a letter, then up to 127 letters or digits "
                "(no underscore); change trigger_arg_name or arg_name"
            )
    names = [str(binding["name"]) for binding in function.bindings]
    if len(set(names)) < len(names):
        return f"its binding names {', '.join(names)} are not unique"
    if not function.trigger:
        return "it has no trigger"
    return None if function.route is None else _route_error(function, earlier)


def _route_error(function: Function, earlier: Sequence[Function]) -> str | None:
    route = function.trigger.get("route")
    own_route = str(function.name if route is None else route).strip("/").lower()
    if own_route.startswith(_RESERVED_ROUTES):
        return f"its route '{own_route}' begins with a reserved word ({' or '.join(_RESERVED_ROUTES)})"
    assert function.route is not None
    for other in earlier:
        if other.route is None or other.route.strip("/").lower() != function.route.strip("/").lower():
            continue
        if function.methods is None or other.methods is None or set(function.methods) & set(other.methods):
            return f"its route '{function.route}' is taken by the function '{other.name}'"
    return None
