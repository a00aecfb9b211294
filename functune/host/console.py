"""The terminal output of the host: lines as ``func start`` prints them, ``[UTC timestamp] message``."""

import logging
import sys
from datetime import UTC, datetime
from typing import TextIO

LISTENING = "Host started, listening on"
"""Begins the line that announces the base URL, which a program that starts the host waits for."""

_LINE_LIMIT = 16 * 1024
"""Characters shown of one message, so that an app that logs megabytes does not flood the terminal."""


class Console:
    """
    Writes log lines. System messages below warning are shown with ``verbose`` only, user messages from information up.
    """

    def __init__(self, *, verbose: bool, stream: TextIO = sys.stdout) -> None:
        self.is_verbose = verbose
        self._stream = stream

    def plain(self, text: str) -> None:
        """Text without a timestamp, for the banner and the function list."""
        self._stream.write(text + "\n")
        self._stream.flush()

    def user(self, message: str, level: int = logging.INFO) -> None:
        """A message that the app logged or printed."""
        if level >= logging.INFO:
            self._line(message)

    def system(self, message: str, level: int = logging.INFO) -> None:
        """A message of the host or the runtime."""
        if self.is_verbose or level >= logging.WARNING:
            self._line(message)

    def _line(self, message: str) -> None:
        if len(message) > _LINE_LIMIT:
            message = f"{message[:_LINE_LIMIT]}… ({len(message) - _LINE_LIMIT} more characters)"
        now = datetime.now(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00")
        self.plain(f"[{now}Z] {message}")
