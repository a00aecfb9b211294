"""
Users who prove that each answer is their own: every request carries a token that the answer must return.

A user has one connection and sends the next request when the answer is complete, so a surplus answer shows as that to a
later request. Where the connection ends without a whole answer, the request counts as cut, and the user connects anew.
"""

import asyncio
import contextlib
import random
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import httptools

from functune.timing.header import SERVER_TIMING, WORKER, parse

PATIENCE = 30.0
"""Seconds until a request without an answer counts as lost."""


class Failure(NamedTuple):
    """A request without its answer. Times are those of ``time.monotonic``."""

    sent: float
    ended: float


@dataclass
class Tally:
    """How the requests of all users ended; every request is in one of these."""

    sent: int = 0
    answers: Counter[int | None] = field(default_factory=Counter)
    """The answers of status 200 with the token of their request, by the pid that the headers name."""
    cut: list[Failure] = field(default_factory=list)
    """The connection ended first."""
    failed: list[Failure] = field(default_factory=list)
    """The answers of status 500."""
    wrong: list[str] = field(default_factory=list)
    """Lost, doubled and swapped ones, and other statuses."""

    @property
    def ended(self) -> int:
        """The requests that ended in some way."""
        return self.answers.total() + len(self.cut) + len(self.failed) + len(self.wrong)

    def outside(self, disturbed: list[tuple[float, float]]) -> list[Failure]:
        """The failures of requests that were in flight in none of these times."""
        failures = (*self.cut, *self.failed)
        return [one for one in failures if not any(one.sent <= end and begin <= one.ended for begin, end in disturbed)]


class Answer:
    """One answer, parsed by httptools."""

    def __init__(self) -> None:
        self.body = b""
        self.headers: dict[str, str] = {}
        self.count = 0
        """The complete answers so far; a second one is surplus."""
        self.parser = httptools.HttpResponseParser(self)

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.count += 1

    @property
    def pid(self) -> int | None:
        """The worker that the headers name."""
        call = parse(self.headers.get(WORKER), self.headers.get(SERVER_TIMING))
        return None if call is None else call.pid


class User:
    """One user of the app in ``bench/apps/echo``, who calls both kinds of handlers for up to ``longest`` seconds."""

    def __init__(self, port: int, tally: Tally, *, longest: float = 0.1) -> None:
        self._port = port
        self._tally = tally
        self._longest = longest
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def call_until(self, is_over: Callable[[], bool]) -> None:
        """Send one request after another. Raises ConnectionError where the server does not listen."""
        try:
            while not is_over():
                if self._streams is None:
                    self._streams = await asyncio.open_connection("127.0.0.1", self._port)
                await self._call(*self._streams)
        finally:
            await self._disconnect()

    async def _call(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        token, tally, sent = uuid.uuid4().hex, self._tally, time.monotonic()
        path = f"/api/{random.choice(('async', 'sync'))}/{token}?s={random.uniform(0, self._longest):.3f}"
        tally.sent += 1
        try:
            writer.write(f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
            async with asyncio.timeout(PATIENCE):
                answer = await _whole_answer(reader)
        except TimeoutError:
            tally.wrong.append(f"{path}: no answer within {PATIENCE:g} s")
            await self._disconnect()
        except (ConnectionError, EOFError):
            tally.cut.append(Failure(sent, time.monotonic()))
            await self._disconnect()
        else:
            self._count(path, token, answer, sent)
            if not answer.parser.should_keep_alive():
                await self._disconnect()

    def _count(self, path: str, token: str, answer: Answer, sent: float) -> None:
        status = answer.parser.get_status_code()
        if status == 200 and answer.body == token.encode() and answer.count == 1:
            self._tally.answers[answer.pid] += 1
        elif status == 500 and answer.count == 1:
            self._tally.failed.append(Failure(sent, time.monotonic()))
        else:
            self._tally.wrong.append(f"{path}: {answer.count} answers, {status} {answer.body[:80]!r}")

    async def _disconnect(self) -> None:
        if self._streams is not None:
            writer = self._streams[1]
            self._streams = None
            writer.close()
            with contextlib.suppress(ConnectionError):  # the server has closed it
                await writer.wait_closed()


async def _whole_answer(reader: asyncio.StreamReader) -> Answer:
    """The next answer. Raises EOFError or ConnectionError where the connection ends first."""
    answer = Answer()
    while not answer.count:
        if not (piece := await reader.read(65536)):
            raise EOFError
        answer.parser.feed_data(piece)
    return answer
