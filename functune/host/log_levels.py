"""logging.logLevel of host.json: the lowest level shown for each category of log records."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from functune.errors import SettingsError
from functune.host.relaxed_json import section_of

PRINTED = "Host.Function.Console"
"""The category of the app's printed output."""

_DEFAULT = "default"
_LEVELS = {
    "trace": 5,
    "debug": logging.DEBUG,
    "information": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
    "none": logging.CRITICAL + 1,
}
"""Python's level for each level of .NET; nothing is logged at ``none``."""

_ERROR_WORDS = ("error", "fail", "severe", "unhandled exception")
"""A line of stderr with one of these is an error (WorkerProcess.cs)."""


@dataclass(frozen=True, slots=True)
class LogLevels:
    """
    The levels by category prefix in lower case; the empty prefix holds the default.

    As in .NET, the longest prefix of a category decides.
    """

    by_prefix: Mapping[str, int] = field(default_factory=dict)

    def threshold(self, category: str, fallback: int) -> int:
        """The lowest Python level that is shown for ``category``; ``fallback`` when host.json has no rule for it."""
        if not self.by_prefix:
            return fallback
        name = category.lower()
        prefixes = [prefix for prefix in self.by_prefix if name.startswith(prefix)]
        return self.by_prefix[max(prefixes, key=len)] if prefixes else fallback


def read_log_levels(path: Path, document: Mapping[str, Any]) -> LogLevels:
    """The levels in a host.json document. Raises SettingsError naming the file, the key and the allowed levels."""
    section = section_of(path, section_of(path, document, "logging"), "logLevel")
    levels: dict[str, int] = {}
    for category, text in section.items():
        level = _LEVELS.get(str(text).lower())
        if level is None:
            allowed = ", ".join(name.capitalize() for name in _LEVELS)
            raise SettingsError(f"{path}: logging.logLevel.{category} is {text!r}; it takes one of {allowed}")
        levels["" if category.lower() == _DEFAULT else category.lower()] = level
    return LogLevels(levels)


def user_category(function: str) -> str:
    """The category of the records that a function logs."""
    return f"{function_category(function)}.User"


def function_category(function: str) -> str:
    """The category of the records that the host logs about a function."""
    return f"Function.{function}"


def level_of_stderr(line: str) -> int:
    """The level of a line that a worker writes to stderr, guessed from its words as by the real host."""
    text = line.lower()
    if "warn" in text:
        return logging.WARNING
    return logging.ERROR if any(word in text for word in _ERROR_WORDS) else logging.INFO
