"""Whole numbers in settings, as .NET reads an Int32."""

import re

MAX_INT32 = 2**31 - 1
_WHOLE_NUMBER = re.compile(r"\s*([+-]?[0-9]{1,10})\s*", re.ASCII)


def parse_whole_number(value: object) -> int | None:
    """The number in a JSON value or text, which spaces may surround; None for anything else, a boolean included."""
    found = None if isinstance(value, bool) else _WHOLE_NUMBER.fullmatch(str(value))
    if found is None or abs(number := int(found[1])) > MAX_INT32:
        return None
    return number
