"""JSON settings files as .NET reads them: with comments and trailing commas, keys compared without case."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from functune.errors import SettingsError

_STRING = r'"(?:[^"\\]|\\.)*"'
_COMMENT = re.compile(rf"({_STRING})|//[^\n]*|/\*.*?\*/", re.DOTALL)
_TRAILING_COMMA = re.compile(rf"({_STRING})|,(?=\s*[\]}}])", re.DOTALL)
_VISIBLE = re.compile(r"\S")


def relaxed_loads(text: str) -> Any:
    """Parse a document. Raises ValueError with the line and column in ``text`` when it is not JSON."""
    return json.loads(_TRAILING_COMMA.sub(_blanked, _COMMENT.sub(_blanked, text)))


def read_relaxed_json(path: Path) -> Any:
    """Parse a file. Raises OSError when it cannot be read, ValueError when it is not JSON in UTF-8."""
    return relaxed_loads(path.read_text("utf-8-sig"))


def value_of(section: Mapping[str, Any], key: str, default: object = None) -> Any:
    """The value of a key compared without case; ``default`` where it is absent or null, as in .NET."""
    values = (value for name, value in section.items() if name.lower() == key.lower() and value is not None)
    return next(values, default)


def section_of(path: Path, document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The object under a key; empty when it is absent or null. Raises SettingsError for any other value."""
    value = value_of(document, key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise SettingsError(f"{path}: {key} is {value!r}; it takes a JSON object")
    return value


def _blanked(found: re.Match[str]) -> str:
    """Keep a string; replace anything else by blanks of the same shape, so that line and column stay right."""
    return found[1] if found[1] is not None else _VISIBLE.sub(" ", found[0])
