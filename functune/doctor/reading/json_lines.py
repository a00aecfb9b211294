"""The line at which a key of a JSON file stands."""

import re
from collections.abc import Sequence


def line_of(text: str, keys: Sequence[str]) -> int:
    """
    The line of a nested key, compared without case; that of the innermost key that is there, or 1.

    Each key is looked for after the one around it, which is right for files as people write them.
    """
    at = 0
    line = 1
    for key in keys:
        found = re.compile(rf'"{re.escape(key)}"\s*:', re.IGNORECASE).search(text, at)
        if found is None:
            return line
        at = found.end()
        line = text.count("\n", 0, found.start()) + 1
    return line
