"""The front's end of the stream to one worker: requests out, answers matched by invocation id."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

from functune.errors import HostError, WorkerDiedError
from functune.host.messages import (
    FromWorker,
    FunctionMetadataResponse,
    FunctionsMetadataRequest,
    InvocationRequest,
    InvocationResponse,
    MessageReader,
    ProtocolError,
    RpcLog,
    StartStream,
    ToWorker,
    WorkerInitRequest,
    WorkerInitResponse,
    encode,
)


class Channel(asyncio.Protocol):
    """
    One multiplexed stream. Any number of invocations may be in flight, as on the platform: they wait in the worker.

    ``on_log`` gets every log record; ``on_lost`` is called once when the stream ends. Whoever knows why it ended then
    calls ``fail`` with the reason, which answers everything still in flight.
    """

    def __init__(self, *, on_log: Callable[[RpcLog], None], on_lost: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        self.started: asyncio.Future[StartStream] = loop.create_future()
        self._in_flight: dict[str, tuple[asyncio.Future[InvocationResponse], float]] = {}
        """Answer and time of sending by invocation id; a dict keeps them in the order they were sent."""
        self._loop = loop
        self._on_log = on_log
        self._on_lost = on_lost
        self._reader: MessageReader[FromWorker] = MessageReader(FromWorker.__value__)
        self._transport: asyncio.Transport | None = None
        self._initialized: asyncio.Future[WorkerInitResponse] = loop.create_future()
        self._indexed: asyncio.Future[FunctionMetadataResponse] = loop.create_future()

    def invoke(self, request: InvocationRequest) -> asyncio.Future[InvocationResponse]:
        """Send one invocation; the future holds its answer, or WorkerDiedError once ``fail`` was called."""
        answer: asyncio.Future[InvocationResponse] = self._loop.create_future()
        self._in_flight[request.invocation_id] = (answer, self._loop.time())
        self._send(request)
        return answer

    @property
    def in_flight(self) -> int:
        """Invocations sent and not answered."""
        return len(self._in_flight)

    @property
    def oldest(self) -> tuple[str, float] | None:
        """Id of the invocation in flight for the longest, and the loop time it was sent at."""
        for invocation_id, (_, sent_at) in self._in_flight.items():
            return invocation_id, sent_at
        return None

    async def idle(self) -> None:
        """Return once everything that is in flight now was answered."""
        if self._in_flight:
            await asyncio.wait([answer for answer, _ in self._in_flight.values()])

    def give_up(self, invocation_id: str, reason: HostError) -> None:
        """Answer one invocation with ``reason``; what the worker may say about it later is dropped."""
        answer, _ = self._in_flight.pop(invocation_id)
        _refuse(answer, reason)

    async def init(self, request: WorkerInitRequest) -> WorkerInitResponse:
        """Have the worker import the app and index its functions."""
        self._send(request)
        return await self._initialized

    async def functions(self) -> FunctionMetadataResponse:
        """The functions the worker indexed."""
        self._send(FunctionsMetadataRequest())
        return await self._indexed

    def fail(self, reason: HostError) -> None:
        """Answer everything that waits for this worker with ``reason``."""
        waiting: list[asyncio.Future[Any]] = [
            self.started,
            self._initialized,
            self._indexed,
            *(answer for answer, _ in self._in_flight.values()),
        ]
        self._in_flight.clear()
        for future in waiting:
            _refuse(future, reason)

    def close(self) -> None:
        """Close the stream from this side."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own class does not derive from asyncio's

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._on_lost()

    def data_received(self, data: bytes) -> None:
        try:
            messages = self._reader.feed(data)
        except ProtocolError as error:
            # Only an app that writes to file descriptors it does not own gets here; the stream cannot be trusted again.
            self.fail(WorkerDiedError(f"the stream of a worker is torn: {error}"))
            self.close()
            return
        for message in messages:
            self._receive(message)

    def _receive(self, message: FromWorker) -> None:
        match message:
            case InvocationResponse():
                sent = self._in_flight.pop(message.invocation_id, None)
                if sent is not None and not sent[0].done():
                    sent[0].set_result(message)
            case RpcLog():
                self._on_log(message)
            case StartStream():
                _settle(self.started, message)
            case WorkerInitResponse():
                _settle(self._initialized, message)
            case FunctionMetadataResponse():
                _settle(self._indexed, message)

    def _send(self, message: ToWorker) -> None:
        if self._transport is None:
            self.fail(WorkerDiedError("the worker's stream is closed"))
            return
        self._transport.write(encode(message))


def _settle[Message](waiting: asyncio.Future[Message], message: Message) -> None:
    if not waiting.done():  # nobody waits any longer when it took too long
        waiting.set_result(message)


def _refuse(waiting: asyncio.Future[Any], reason: HostError) -> None:
    if not waiting.done():
        waiting.set_exception(reason)
        waiting.exception()  # mark it seen: nobody may be waiting for this one
