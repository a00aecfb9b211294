"""Structs and plain values as JSON, figures rounded. It imports none of the analysis: commands answer with it too."""

from typing import Any

import msgspec

DIGITS = 6
"""Significant digits of a figure: more than any of them has, and few enough to be read."""
FIRST_MOMENT = 1e6
"""Numbers from here on are moments, which keep their milliseconds."""


def rounded(value: object) -> Any:
    """A value of plain types with its floats to six significant digits; moments keep their milliseconds."""
    match value:
        case float():
            return round(value, 3) if abs(value) >= FIRST_MOMENT else float(f"{value:.{DIGITS}g}")
        case dict():
            return {key: rounded(each) for key, each in value.items()}
        case list() | tuple():
            return [rounded(each) for each in value]
    return value


def indented_json(value: object) -> str:
    """Any structs as JSON, indented for people, figures rounded."""
    return msgspec.json.format(msgspec.json.encode(rounded(msgspec.to_builtins(value))), indent=2).decode() + "\n"


def embedded_json(document: msgspec.Struct) -> str:
    """The document as JSON that can stand inside of HTML: no ``<`` that could end its element."""
    return msgspec.json.encode(rounded(msgspec.to_builtins(document))).decode().replace("<", "\\u003c")
