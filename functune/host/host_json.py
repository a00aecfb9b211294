"""host.json: the settings that affect load and the log, with ``AzureFunctionsJobHost__a__b`` variables over them."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from functune.errors import SettingsError
from functune.host.log_levels import LogLevels, read_log_levels
from functune.host.relaxed_json import read_relaxed_json, section_of, value_of
from functune.host.shaping import FRAMING_HEADERS, AnswerError, encode_header
from functune.host.whole_numbers import MAX_INT32, parse_whole_number

HOST_JSON = "host.json"
"""The file's name, in the script root."""
_OVERRIDE_PREFIX = "azurefunctionsjobhost__"
"""The prefix of an overriding variable in lower case, since .NET compares names without case."""
DEFAULT_ROUTE_PREFIX = "api"
DEFAULT_FUNCTION_TIMEOUT = 1800.0
"""Seconds, on every plan but Consumption (ScriptJobHostOptionsSetup.cs)."""
_NO_LIMIT = -1
_MAX_DAYS = 10_675_199
"""The days of the longest .NET TimeSpan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostJson:
    """The settings of host.json that affect load and the log. Limits are numbers of requests; -1 means no limit."""

    route_prefix: str = DEFAULT_ROUTE_PREFIX
    max_outstanding_requests: int = _NO_LIMIT
    max_concurrent_requests: int = _NO_LIMIT
    function_timeout: float | None = DEFAULT_FUNCTION_TIMEOUT
    """Seconds; None when host.json says -1."""
    functions: tuple[str, ...] | None = None
    """Names of the functions to load; None loads all."""
    custom_headers: Mapping[str, str] = field(default_factory=dict)
    log_levels: LogLevels = field(default_factory=LogLevels)


def read_host_json(script_root: Path, environ: Mapping[str, str]) -> HostJson:
    """
    Read host.json and apply the overriding variables. Without the file, the defaults apply.

    Raises SettingsError naming the file, the key and the allowed values.
    """
    path = script_root / HOST_JSON
    try:
        document = read_relaxed_json(path)
    except FileNotFoundError:
        document = {"version": "2.0"}
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path}: cannot be read as JSON: {error}") from error
    if not isinstance(document, dict) or document.get("version") != "2.0":
        found = document.get("version") if isinstance(document, dict) else document
        raise SettingsError(f'{path}: "version" is {json.dumps(found)}; the v4 host needs "version": "2.0"')
    for keys, value in _overrides(environ):
        _override(document, keys, value)
    return _checked(path, document)


def _overrides(environ: Mapping[str, str]) -> list[tuple[list[str], str]]:
    """The keys and value of each overriding variable; those of one array are in the order of their indexes."""
    found = [
        (name[len(_OVERRIDE_PREFIX) :].split("__"), value)
        for name, value in environ.items()
        if name.lower().startswith(_OVERRIDE_PREFIX)
    ]
    return sorted(found, key=lambda override: [(len(key), key) if _is_index(key) else (0, key) for key in override[0]])


def _is_index(key: str) -> bool:
    return key.isascii() and key.isdecimal()


def _override(document: dict[str, Any], keys: Sequence[str], value: str) -> None:
    """
    Set a nested key. Existing keys are matched without case, as in the .NET configuration.

    Arrays are reached by index. An index beyond the end appends, since the .NET configuration skips gaps as well.
    """
    node: Any = document
    for position, key in enumerate(keys):
        is_last = position == len(keys) - 1
        if isinstance(node, list):
            node, key_in_node = _element(node, key)
        elif isinstance(node, dict):
            key_in_node = next((known for known in node if known.lower() == key.lower()), key)
        else:
            return
        if is_last:
            node[key_in_node] = value
            return
        if not isinstance(node[key_in_node] if isinstance(node, list) else node.get(key_in_node), dict | list):
            node[key_in_node] = [] if _is_index(keys[position + 1]) else {}
        node = node[key_in_node]


def _element(array: list[Any], key: str) -> tuple[list[Any], Any]:
    """The array with room for the key's element, and the element's index."""
    # Compared by length first: an index of thousands of digits is beyond the end of any array.
    is_inside = _is_index(key) and len(key) <= 9 and int(key) < len(array)
    if is_inside:
        return array, int(key)
    array.append({})
    return array, len(array) - 1


def _checked(path: Path, document: Mapping[str, Any]) -> HostJson:
    http = section_of(path, section_of(path, document, "extensions"), "http")
    prefix = value_of(http, "routePrefix", DEFAULT_ROUTE_PREFIX)
    if not isinstance(prefix, str):
        raise SettingsError(f"{path}: extensions.http.routePrefix is {prefix!r}; it takes a string")
    functions = value_of(document, "functions")
    if functions is not None and not (isinstance(functions, list) and all(isinstance(n, str) for n in functions)):
        raise SettingsError(f"{path}: functions is {functions!r}; it takes a list of function names")
    return HostJson(
        route_prefix=prefix.strip("/"),
        max_outstanding_requests=_limit(path, http, "maxOutstandingRequests"),
        max_concurrent_requests=_limit(path, http, "maxConcurrentRequests"),
        function_timeout=_timeout(path, value_of(document, "functionTimeout")),
        functions=None if functions is None else tuple(functions),
        custom_headers=_custom_headers(path, http),
        log_levels=read_log_levels(path, document),
    )


def _limit(path: Path, http: Mapping[str, Any], key: str) -> int:
    value = value_of(http, key, _NO_LIMIT)
    limit = parse_whole_number(value)
    if limit is None or (limit < 1 and limit != _NO_LIMIT):
        raise SettingsError(
            f"{path}: extensions.http.{key} is {value!r}; it takes a whole number from 1 to {MAX_INT32}, "
            "or -1 for no limit"
        )
    return limit


def _custom_headers(path: Path, http: Mapping[str, Any]) -> dict[str, str]:
    headers = section_of(path, http, "customHeaders")
    for name, value in headers.items():
        where = f"{path}: extensions.http.customHeaders.{name} is {value!r}"
        if not isinstance(value, str | int | float):
            raise SettingsError(f"{where}; it takes a string")
        if name.lower() in FRAMING_HEADERS:
            raise SettingsError(f"{where}; the host sets this header itself, remove it")
        try:
            encode_header(name, str(value))
        except AnswerError as error:
            raise SettingsError(f"{where}; {error}") from error
    return {name: str(value) for name, value in headers.items()}


def _timeout(path: Path, value: object) -> float | None:
    """Seconds of a .NET TimeSpan ``[d.]hh:mm[:ss[.fffffff]]``; None for -1, the default without a value."""
    if value is None:
        return DEFAULT_FUNCTION_TIMEOUT
    if str(value) in {"-1", "-00:00:00.0010000"}:
        return None
    match = re.fullmatch(r"(?:(\d{1,8})\.)?(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,7}))?)?", str(value), re.ASCII)
    if match is not None:
        days, hours, minutes, seconds = (int(part or 0) for part in match.groups()[:4])
        total = days * 86400 + hours * 3600 + minutes * 60 + seconds + float(f"0.{match[5] or 0}")
        if hours < 24 and minutes < 60 and seconds < 60 and total >= 1 and days < _MAX_DAYS:
            return total
    raise SettingsError(
        f"{path}: functionTimeout is {value!r}; it takes [d.]hh:mm:ss from 00:00:01 to {_MAX_DAYS - 1}.23:59:59, "
        "or -1 for no limit"
    )
