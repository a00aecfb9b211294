"""
The inline constraints of route templates: ``{id:int:min(1)}``.

The default map of ASP.NET Core routing: int, long, decimal, float, double, bool, guid, datetime, min, max, range,
minlength, maxlength, length, alpha, regex, required, file, nonfile. A route does not match when a constraint refuses a
value.
"""

import re
from collections.abc import Callable
from datetime import datetime

type Constraint = Callable[[str], bool]

# The quantifiers are possessive (*+, ++): a path may contain thousands of digits, 64 KB of them on a web server, and
# backtracking through them would take minutes. A number of more than 19 digits does not fit 64 bits, and Python refuses
# to read thousands of digits.
_INTEGER = re.compile(r"\s*+([+-]?)0*+([0-9]{0,19})(?<=[0-9])\s*+\Z")
_NUMBER = r"(?:[0-9][0-9,]*+\.?[0-9]*+|\.[0-9]++)"
# NumberStyles.Number: sign before or behind, thousands separators, a decimal point.
_DECIMAL = re.compile(rf"\s*+(?:{_NUMBER}[+-]?|[+-]{_NUMBER})\s*+\Z")
_FLOAT = re.compile(
    rf"\s*+(?:[+-]?{_NUMBER}(?:e[+-]?[0-9]++)?|[+-]?(?:infinity|∞)|[+-]?nan)\s*+\Z",
    re.IGNORECASE,
)
_GUID = re.compile(
    r"\s*(?:[0-9a-f]{32}"
    r"|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|\{[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\}"
    r"|\([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\))\s*\Z",
    re.IGNORECASE,
)
_ALPHA = re.compile(r"[a-z]*\Z", re.IGNORECASE)
_DATE_FORMATS = (
    "%m/%d/%Y",
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %I:%M:%S %p",
    "%Y/%m/%d",
    "%d %B %Y",
    "%d %b %Y",
    "%B %d, %Y",
    "%b %d, %Y",
    "%a, %d %b %Y %H:%M:%S GMT",
)


def parse_constraint(name: str, arguments: str | None) -> Constraint:
    """The predicate for ``name(arguments)``. Raises ValueError for an unknown name and for wrong arguments."""
    key = name.strip().lower()
    if arguments is None and key in _PLAIN:
        return _PLAIN[key]
    if arguments is not None and key == "regex":
        return _regex(arguments)
    if arguments is not None and key in _WITH_NUMBERS:
        return _with_numbers(key, arguments)
    known = sorted([*_PLAIN, *_WITH_NUMBERS, "regex"])
    shown = name if arguments is None else f"{name}({arguments})"
    raise ValueError(f"the constraint '{shown}' is not known; there are {', '.join(known)}")


def _between(low: int, high: int) -> Constraint:
    """Whole numbers as NumberStyles.Integer reads them, both ends included."""

    def is_between(value: str) -> bool:
        found = _INTEGER.match(value)
        return found is not None and low <= int(f"{found[1]}{found[2] or 0}") <= high

    return is_between


_LONG_MIN, _LONG_MAX = -(2**63), 2**63 - 1


def _is_float(value: str) -> bool:
    return _FLOAT.match(value) is not None


def _is_datetime(value: str) -> bool:
    """Accepts the ISO forms and the common ones of .NET's invariant culture; the .NET parser accepts some more."""
    text = value.strip()
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return any(_parses(text, pattern) for pattern in _DATE_FORMATS)
    return True


def _parses(text: str, pattern: str) -> bool:
    try:
        datetime.strptime(text, pattern)
    except ValueError:
        return False
    return True


def _is_file(value: str) -> bool:
    name = value.rpartition("/")[2]
    return "." in name and not name.endswith(".")


def _regex(arguments: str) -> Constraint:
    try:
        pattern = re.compile(arguments, re.IGNORECASE)
    except re.error as error:
        raise ValueError(f"the constraint 'regex({arguments})' is not a regular expression: {error}") from error
    return lambda value: pattern.search(value) is not None  # unanchored, as on the platform


_PLAIN: dict[str, Constraint] = {
    "int": _between(-(2**31), 2**31 - 1),
    "long": _between(_LONG_MIN, _LONG_MAX),
    "decimal": lambda value: _DECIMAL.match(value) is not None,
    "float": _is_float,
    "double": _is_float,
    "bool": lambda value: value.strip().lower() in {"true", "false"},
    "guid": lambda value: _GUID.match(value) is not None,
    "datetime": _is_datetime,
    "alpha": lambda value: _ALPHA.match(value) is not None,
    "required": lambda value: value != "",
    "file": _is_file,
    "nonfile": lambda value: not _is_file(value),
}

_WITH_NUMBERS: dict[str, dict[int, Callable[..., Constraint]]] = {
    "min": {1: lambda low: _between(low, _LONG_MAX)},
    "max": {1: lambda high: _between(_LONG_MIN, high)},
    "range": {2: _between},
    "minlength": {1: lambda low: lambda value: len(value) >= low},
    "maxlength": {1: lambda high: lambda value: len(value) <= high},
    "length": {
        1: lambda exact: lambda value: len(value) == exact,
        2: lambda low, high: lambda value: low <= len(value) <= high,
    },
}


def _with_numbers(key: str, arguments: str) -> Constraint:
    by_count = _WITH_NUMBERS[key]
    try:
        numbers = [int(argument) for argument in arguments.split(",")]
        return by_count[len(numbers)](*numbers)
    except (ValueError, KeyError) as error:
        counts = " or ".join(str(count) for count in by_count)
        raise ValueError(f"the constraint '{key}({arguments})' takes {counts} whole number(s)") from error
