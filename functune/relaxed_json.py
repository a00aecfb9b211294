"""JSON as Newtonsoft reads host.json and local.settings.json: with comments and trailing commas."""

import json
import re
from typing import Any

_STRING = r'"(?:[^"\\]|\\.)*"'
_COMMENT = re.compile(rf"({_STRING})|//[^\n]*|/\*.*?\*/", re.DOTALL)
_TRAILING_COMMA = re.compile(rf"({_STRING})|,(?=\s*[\]}}])", re.DOTALL)
_VISIBLE = re.compile(r"\S")


def loads(text: str) -> Any:
    """The document. Raises ValueError, with line and column as in ``text``, when it is none."""
    return json.loads(_TRAILING_COMMA.sub(_blanked, _COMMENT.sub(_blanked, text)))


def _blanked(found: re.Match[str]) -> str:
    """A string stays; anything else becomes blanks of the same shape, so that positions stay right."""
    return found[1] if found[1] is not None else _VISIBLE.sub(" ", found[0])
