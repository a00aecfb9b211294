"""
The processes of Locust, forked from one that has imported it (``fork_server.py``).

All loads within ``shared_fork_server`` have the same one; a load elsewhere has its own.
"""

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import BinaryIO, cast

from functune.environ import child_environ

SERVER_ENDED = 1
"""The exit code of a load whose fork server has ended: it notices, and ends itself."""
ENDS_WITHIN = 5.0
"""Seconds for a fork server to end itself or a load, which takes it milliseconds, but for those of its imports."""


class LocustProcess(asyncio.Protocol):
    """A process of Locust, as the connection to its fork server tells of it."""

    def __init__(self) -> None:
        self.returncode: int | None = None
        """None while it runs; negative for a signal."""
        self._said = b""
        self._ended = asyncio.Event()

    @property
    def pid(self) -> int:
        """Its pid; 0 before it is forked."""
        return next(iter(self._numbers), 0)

    @property
    def _numbers(self) -> list[int]:
        """The pid and the exit code, as far as they have come."""
        *whole, _ = self._said.split(b"\n")
        return [int(number) for number in whole]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Keep what the fork server says."""
        self._said += data

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end."""
        self.returncode = self._numbers[1] if len(self._numbers) > 1 else SERVER_ENDED
        self._ended.set()

    def start(self, options: Sequence[str], environ: Mapping[str, str], folder: Path) -> None:
        """Say how it is to start."""
        start = {"options": options, "environ": {**environ}, "folder": str(folder)}
        self._transport.write(json.dumps(start).encode() + b"\n")

    def kill(self) -> None:
        """Have it killed: the fork server does so when this end says no more."""
        self._transport.write_eof()

    async def wait(self) -> None:
        """Wait until it has ended."""
        await self._ended.wait()


class LocustForks:
    """A fork server, which is started with the first load."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._asking: socket.socket | None = None

    def _started(self, log: BinaryIO) -> socket.socket:
        """The socket of the fork server, started again where it has ended; the log gets what it says."""
        if self._asking is None or self._process is None or self._process.poll() is not None:
            self.close()
            self._asking, theirs = socket.socketpair()
            with theirs:
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-m", "functune.load.fork_server"],
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=log,
                    cwd=os.sep,
                    env=without_flags(child_environ({})),
                    start_new_session=True,  # Ctrl-C reaches only this process, which then ends Locust
                )
        return self._asking

    async def connect(self, log: BinaryIO) -> LocustProcess:
        """The connection of a process that is to write into the log."""
        asking = self._started(log)
        ours, theirs = socket.socketpair()
        with theirs, suppress(BrokenPipeError):  # it has just ended, which closes the connection too
            socket.send_fds(asking, [b"+"], [theirs.fileno(), log.fileno()])
        _, process = await asyncio.get_running_loop().create_unix_connection(LocustProcess, sock=ours)
        return process

    def close(self) -> None:
        """End the fork server, and with it its loads. It is killed where it does not notice, as while it imports."""
        if self._asking is None or self._process is None:
            return
        self._asking.close()
        try:
            self._process.wait(ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = self._asking = None


_shared: ContextVar[LocustForks | None] = ContextVar("_shared", default=None)


@contextmanager
def locust_forks() -> Iterator[LocustForks]:
    """The shared fork server; where there is none, one that ends on the way out."""
    if (shared := _shared.get()) is not None:
        yield shared
        return
    own = LocustForks()
    try:
        yield own
    finally:
        own.close()


@contextmanager
def shared_fork_server() -> Iterator[None]:
    """Let all loads within have one fork server: that of the outermost of these contexts, which ends with it."""
    with locust_forks() as forks:
        token = _shared.set(forks)
        try:
            yield
        finally:
            _shared.reset(token)


@asynccontextmanager
async def locust(
    forks: LocustForks, options: Sequence[str], environ: Mapping[str, str], log: Path
) -> AsyncIterator[LocustProcess]:
    """A process of Locust in the folder of its log, which is killed on the way out."""
    with log.open("wb") as log_file:
        process = await forks.connect(log_file)
    try:
        process.start(options, without_flags(environ), log.parent)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            with suppress(TimeoutError):  # which leaves it to the end of the fork server
                await asyncio.wait_for(process.wait(), ENDS_WITHIN)


def without_flags(environ: Mapping[str, str]) -> dict[str, str]:
    """
    The environment without the variables of Locust, which reads every flag from them too.

    It reads them from locust.conf and pyproject.toml as well, where it starts: in a folder that has neither.
    """
    return {name: value for name, value in environ.items() if not name.startswith("LOCUST_")}
