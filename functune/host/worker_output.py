"""Shows what one worker prints and logs."""

import asyncio
import logging
from collections.abc import Callable

from functune.host.console import Console
from functune.host.log_levels import level_of_stderr, user_category
from functune.host.messages import RpcLog

_CHUNK = 64 * 1024
"""Bytes of output read at a time, and the longest line that is shown in one piece."""
_LAST_OUTPUT = 1.0
"""Seconds to wait for the rest of the output of a process that has ended."""


class WorkerOutput:
    """
    The output and the log records of one worker.

    Errors that the runtime logs while it loads the app are held until ``show_held``: when the load fails, its error has
    the cause without the frames of the runtime.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._held: list[RpcLog] | None = None if console.is_verbose else []
        """None once errors are shown as they come."""
        self._showing: list[asyncio.Task[None]] = []

    def follow(self, process: asyncio.subprocess.Process) -> None:
        """Show what the process prints from now on."""
        assert process.stdout is not None
        assert process.stderr is not None
        self._showing = [
            asyncio.create_task(self._show(process.stdout, lambda _: logging.INFO)),
            asyncio.create_task(self._show(process.stderr, level_of_stderr)),
        ]

    async def ended(self) -> None:
        """Return once the output of a process that has ended has been shown."""
        if self._showing:
            # A process that the app started may outlive the worker and hold its output open.
            _, open_ended = await asyncio.wait(self._showing, timeout=_LAST_OUTPUT)
            for task in open_ended:
                task.cancel()

    def log(self, log: RpcLog, function: str | None) -> None:
        """Show a record. ``function`` is the name of that which logged it; None for a record of no executing call."""
        if self._held is not None and log.is_system and log.level >= logging.ERROR:
            self._held.append(log)
        elif log.is_system:
            self._console.system(log.message, log.level, category="Worker")
        elif function is None:
            self._console.dropped(log.message, log.level)
        else:
            self._console.user(log.message, log.level, category=user_category(function))

    def show_held(self) -> None:
        """Show the errors that were held, and all others as they come."""
        held, self._held = self._held or [], None
        for log in held:
            self.log(log, None)

    async def _show(self, output: asyncio.StreamReader, level_of: Callable[[str], int]) -> None:
        """Show the output line by line; a line longer than a chunk is shown in pieces."""
        rest = b""
        while chunk := await output.read(_CHUNK):
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) > _CHUNK:
                lines, rest = [*lines, rest], b""
            self._show_lines(lines, level_of)
        if rest:
            self._show_lines([rest], level_of)

    def _show_lines(self, lines: list[bytes], level_of: Callable[[str], int]) -> None:
        for line in lines:
            text = line.decode("utf-8", errors="replace")
            self._console.user(text, level_of(text))
