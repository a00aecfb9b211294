"""A program as a child process in a session of its own. Its output is read to the end, its last lines are kept."""

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

from functune.hosts import group_guard

_KEPT_LINES = 200
SHOWN_LINES = 15
"""Lines of output that an error message shows."""


class Program:
    """
    A running program::

        program = await Program.start("func", "start", environ={...}, on_line=print)

    ``on_line`` is called with each line it prints to stdout or stderr. CTRL+C does not reach the program, so that its
    owner can end it in order.
    """

    def __init__(self, process: Process, on_line: Callable[[str], None]) -> None:
        self._process = process
        self._on_line = on_line
        self._lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._reading = asyncio.create_task(self._read())
        self._guard: Process | None = None

    @classmethod
    async def start(
        cls,
        *command: str,
        environ: Mapping[str, str],
        on_line: Callable[[str], None] = lambda _: None,
        stdin: int = DEVNULL,
        cwd: Path | None = None,
    ) -> Self:
        """Start the command in a folder. With PIPE, its stdin is empty and ends when this process ends."""
        process = await asyncio.create_subprocess_exec(
            *command,
            env=environ,
            stdin=stdin,
            stdout=PIPE,
            stderr=STDOUT,
            start_new_session=True,
            cwd=cwd,
        )
        return cls(process, on_line)

    @property
    def pid(self) -> int:
        """Its process id, which is also that of its session and process group."""
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        """Whether it has ended and its output has been read."""
        return self._process.returncode is not None and self._reading.done()

    def tail(self, count: int = SHOWN_LINES) -> str:
        """The last lines it printed."""
        return "\n".join(list(self._lines)[-count:])

    async def end_with_lab(self) -> None:
        """Have its whole process group killed when this process ends, by SIGKILL as well."""
        self._guard = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", group_guard.__file__, str(self.pid)), stdin=PIPE, start_new_session=True
        )

    async def ended(self) -> None:
        """Return once it has ended and its output has been read."""
        await self._process.wait()
        await asyncio.shield(self._reading)
        if self._guard is not None and self._guard.returncode is None:
            self._guard.kill()
            await self._guard.wait()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal if it is still running."""
        with contextlib.suppress(ProcessLookupError):  # it has just ended
            self._process.send_signal(number)

    def send_to_group(self, number: signal.Signals) -> None:
        """Send a signal to its process group: to it and to those it started, even when it has ended itself."""
        with contextlib.suppress(ProcessLookupError):  # no process of the group is left
            os.killpg(self._process.pid, number)

    async def _read(self) -> None:
        """Read to the end; otherwise the program would block on its output. Lines of more than 64 KiB are left out."""
        output = self._process.stdout
        assert output is not None
        while True:
            try:
                raw = await output.readline()
            except ValueError:  # asyncio has dropped as much of the line as has come, and reads on
                continue
            if not raw:
                return
            line = raw.decode("utf-8", errors="replace").rstrip()
            self._lines.append(line)
            self._on_line(line)
