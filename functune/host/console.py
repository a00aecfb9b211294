"""The terminal output of the host: lines as ``func start`` prints them, ``[UTC timestamp] message``."""

import logging
import sys
from datetime import UTC, datetime
from typing import TextIO

from functune.host.log_levels import PRINTED, LogLevels

LISTENING = "Host started, listening on"
"""Begins the line that announces the base URL, which a program that starts the host waits for."""
DROPPED = "[dropped by the real host]"
"""Begins a record that the real host would not show."""

_LINE_LIMIT = 16 * 1024
"""Characters shown of one message, so that an app that logs megabytes does not flood the terminal."""


class Console:
    """
    Writes log lines.

    System messages below warning are shown with ``verbose`` only, user messages from information up. A rule of
    ``levels`` for the category of a message replaces both.
    """

    def __init__(self, *, verbose: bool, stream: TextIO = sys.stdout) -> None:
        self.is_verbose = verbose
        self.levels = LogLevels()
        """The rules of the app's host.json, set when the app is loaded."""
        self._stream = stream
        self._has_explained_dropped = False

    def plain(self, text: str) -> None:
        """Text without a timestamp, for the banner and the function list."""
        self._stream.write(text + "\n")
        self._stream.flush()

    def milestone(self, message: str) -> None:
        """A message that is shown at every level, as some are by ``func start``."""
        self._lines(message)

    def user(self, message: str, level: int = logging.INFO, *, category: str = PRINTED) -> None:
        """A message that the app logged or printed."""
        if level >= self.levels.threshold(category, logging.INFO):
            self._lines(message)

    def dropped(self, message: str, level: int) -> None:
        """A record of the app that belongs to no executing invocation; the real host would drop it."""
        if level < self.levels.threshold("Function", logging.INFO):
            return
        if not self._has_explained_dropped:
            self._has_explained_dropped = True
            self._lines(
                f"The real host drops records that belong to no executing invocation; they are marked {DROPPED}. "
                "They come from the import of the app, from threads of its own, and from tasks that outlive their call"
            )
        self._lines(f"{DROPPED} {message}")

    def system(self, message: str, level: int = logging.INFO, *, category: str = "Host.General") -> None:
        """A message of the host or the runtime."""
        if level >= self.levels.threshold(category, logging.INFO if self.is_verbose else logging.WARNING):
            self._lines(message)

    def _lines(self, message: str) -> None:
        """Write every line of a message with the timestamp, as ``func start`` does."""
        if len(message) > _LINE_LIMIT:
            message = f"{message[:_LINE_LIMIT]}… ({len(message) - _LINE_LIMIT} more characters)"
        now = datetime.now(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00")
        self.plain("\n".join(f"[{now}Z] {line}" for line in message.split("\n")))
