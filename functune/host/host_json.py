"""host.json: the settings of the host that affect load, with ``AzureFunctionsJobHost__a__b`` variables over them."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from functune.errors import SettingsError
from functune.host.relaxed_json import read_relaxed_json, section_of, value_of

_OVERRIDE_PREFIX = "azurefunctionsjobhost__"
"""The prefix of an overriding variable in lower case, since .NET compares names without case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostJson:
    """The settings of host.json that affect load. Limits are numbers of requests; -1 means no limit."""

    route_prefix: str = "api"
    max_outstanding_requests: int = -1
    max_concurrent_requests: int = -1
    function_timeout: float | None = 1800.0
    """Seconds; None when host.json says -1."""
    functions: tuple[str, ...] | None = None
    """Names of the functions to load; None loads all."""
    custom_headers: Mapping[str, str] = field(default_factory=dict)


def read_host_json(script_root: Path, environ: Mapping[str, str]) -> HostJson:
    """
    Read host.json and apply the overriding variables. Without the file, the defaults apply.

    Raises SettingsError naming the file, the key and the allowed values.
    """
    path = script_root / "host.json"
    try:
        document = read_relaxed_json(path)
    except FileNotFoundError:
        document = {"version": "2.0"}
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path}: cannot be read as JSON: {error}") from error
    if not isinstance(document, dict) or document.get("version") != "2.0":
        found = document.get("version") if isinstance(document, dict) else document
        raise SettingsError(f'{path}: "version" is {json.dumps(found)}; the v4 host needs "version": "2.0"')
    for name, value in environ.items():
        if name.lower().startswith(_OVERRIDE_PREFIX):
            _override(document, name[len(_OVERRIDE_PREFIX) :].split("__"), value)
    return _checked(path, document)


def _override(document: dict[str, Any], keys: Sequence[str], value: str) -> None:
    """Set a nested key. Existing keys are matched without case, as in the .NET configuration; arrays by index."""
    node: Any = document
    for position, key in enumerate(keys):
        is_last = position == len(keys) - 1
        if isinstance(node, list):
            index = int(key) if key.isdecimal() else len(node)
            node.extend([{}] * (index + 1 - len(node)))
            key_in_node: Any = index
        elif isinstance(node, dict):
            key_in_node = next((known for known in node if known.lower() == key.lower()), key)
        else:
            return
        if is_last:
            node[key_in_node] = value
            return
        if not isinstance(node[key_in_node] if isinstance(node, list) else node.get(key_in_node), dict | list):
            node[key_in_node] = [] if keys[position + 1].isdecimal() else {}
        node = node[key_in_node]


def _checked(path: Path, document: Mapping[str, Any]) -> HostJson:
    http = section_of(path, section_of(path, document, "extensions"), "http")
    prefix = value_of(http, "routePrefix", "api")
    if not isinstance(prefix, str):
        raise SettingsError(f"{path}: extensions.http.routePrefix is {prefix!r}; it takes a string")
    functions = value_of(document, "functions")
    if functions is not None and not (isinstance(functions, list) and all(isinstance(n, str) for n in functions)):
        raise SettingsError(f"{path}: functions is {functions!r}; it takes a list of function names")
    headers = section_of(path, http, "customHeaders")
    return HostJson(
        route_prefix=prefix.strip("/"),
        max_outstanding_requests=_limit(path, http, "maxOutstandingRequests"),
        max_concurrent_requests=_limit(path, http, "maxConcurrentRequests"),
        function_timeout=_timeout(path, value_of(document, "functionTimeout", "00:30:00")),
        functions=None if functions is None else tuple(functions),
        custom_headers={str(name): str(value) for name, value in headers.items()},
    )


def _limit(path: Path, http: Mapping[str, Any], key: str) -> int:
    value = value_of(http, key, -1)
    try:
        limit = int(str(value))
    except ValueError:
        limit = 0
    if isinstance(value, bool) or (limit < 1 and limit != -1):
        raise SettingsError(
            f"{path}: extensions.http.{key} is {value!r}; it takes a whole number from 1, or -1 for no limit"
        )
    return limit


def _timeout(path: Path, value: object) -> float | None:
    """Seconds of a .NET TimeSpan ``[d.]hh:mm:ss``; None for -1."""
    if str(value) in {"-1", "-00:00:00.0010000"}:
        return None
    match = re.fullmatch(r"(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2})(?:\.(\d{1,7}))?", str(value))
    if match is not None:
        days, hours, minutes, seconds = (int(part or 0) for part in match.groups()[:4])
        total = days * 86400 + hours * 3600 + minutes * 60 + seconds + float(f"0.{match[5] or 0}")
        if hours < 24 and minutes < 60 and seconds < 60 and total >= 1:
            return total
    raise SettingsError(f"{path}: functionTimeout is {value!r}; it takes hh:mm:ss from 00:00:01, or -1 for none")
