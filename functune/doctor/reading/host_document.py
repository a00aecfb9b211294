"""host.json as the rules look at it: its text for the lines, its values, and why the host would refuse it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from functune.doctor.reading.json_lines import line_of
from functune.errors import SettingsError
from functune.host.host_json import HOST_JSON, HostJson, read_host_json
from functune.host.relaxed_json import relaxed_loads, value_of

_PATH_IN_MESSAGE = re.compile(r": \"?([A-Za-z][\w.]*)\"? is ")
_LINE_IN_MESSAGE = re.compile(r"\bline (\d+) column \d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class HostDocument:
    """One host.json."""

    text: str = ""
    document: Mapping[str, Any] = field(default_factory=dict)
    is_there: bool = False
    values: HostJson | None = None
    """The values in effect; None where the host refuses the file."""
    error: str = ""
    """Why it refuses it, without the path of the file."""
    error_line: int = 1

    def line(self, *keys: str) -> int:
        """The line of a key."""
        return line_of(self.text, keys)

    def value(self, *keys: str) -> Any:
        """The value of a nested key; None where it is absent."""
        node: Any = self.document
        for key in keys:
            if not isinstance(node, Mapping):
                return None
            node = value_of(node, key)
        return node


def read_host_document(root: Path, environ: Mapping[str, str]) -> HostDocument:
    """Read the file, with the overriding variables of ``environ``."""
    path = root / HOST_JSON
    if not path.is_file():
        return HostDocument(values=HostJson())
    text = path.read_text("utf-8-sig", errors="replace")
    try:
        document = relaxed_loads(text)
    except ValueError:
        document = {}
    found = document if isinstance(document, dict) else {}
    try:
        values = read_host_json(root, environ)
    except SettingsError as error:
        message = str(error).removeprefix(f"{path}: ")
        return HostDocument(
            text=text, document=found, is_there=True, error=message, error_line=line_in(str(error), text)
        )
    return HostDocument(text=text, document=found, is_there=True, values=values)


def line_in(message: str, text: str) -> int:
    """The line that a message is about: the one it names, or that of the key it names."""
    if (named := _LINE_IN_MESSAGE.search(message)) is not None:
        return int(named[1])
    found = _PATH_IN_MESSAGE.search(message)
    return line_of(text, found[1].split(".")) if found else 1
