"""The front's end of the stream to one worker: it sends requests, and matches answers by invocation id."""

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple, cast

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


class Sent(NamedTuple):
    """An invocation in flight."""

    answer: asyncio.Future[InvocationResponse]
    at: float
    """Seconds of the loop's clock."""
    function: str
    """The name of the function that it runs."""


class Channel(asyncio.Protocol):
    """
    One multiplexed stream. Any number of invocations may be in flight, as on the platform: they queue in the worker.

    ``on_log`` is called with every log record, ``on_lost`` once when the stream ends. The owner of the worker process
    then calls ``fail`` with the reason, which answers the invocations still in flight.
    """

    def __init__(self, *, on_log: Callable[[RpcLog], None], on_lost: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        self.started: asyncio.Future[StartStream] = loop.create_future()
        self._in_flight: dict[str, Sent] = {}
        """By invocation id, in the order of sending."""
        self._loop = loop
        self._on_log = on_log
        self._on_lost = on_lost
        self._reader: MessageReader[FromWorker] = MessageReader(FromWorker.__value__)
        self._transport: asyncio.Transport | None = None
        self._initialized: asyncio.Future[WorkerInitResponse] = loop.create_future()
        self._indexed: asyncio.Future[FunctionMetadataResponse] = loop.create_future()

    def invoke(self, request: InvocationRequest, function: str) -> asyncio.Future[InvocationResponse]:
        """
        Send one invocation of the function of this name.

        The future gets its answer, or the error that ``fail`` is called with.
        """
        answer: asyncio.Future[InvocationResponse] = self._loop.create_future()
        self._in_flight[request.invocation_id] = Sent(answer, self._loop.time(), function)
        self._send(request)
        return answer

    @property
    def in_flight(self) -> int:
        """The number of invocations sent and not answered yet."""
        return len(self._in_flight)

    def executing(self, invocation_id: str | None) -> str | None:
        """The name of the function that an invocation in flight runs; None when it is not in flight."""
        sent = self._in_flight.get(invocation_id) if invocation_id is not None else None
        return None if sent is None else sent.function

    @property
    def oldest(self) -> tuple[str, float] | None:
        """The id of the oldest invocation in flight, and the loop time it was sent at; None without one."""
        for invocation_id, sent in self._in_flight.items():
            return invocation_id, sent.at
        return None

    async def idle(self) -> None:
        """Return once all invocations now in flight have been answered."""
        if self._in_flight:
            await asyncio.wait([sent.answer for sent in self._in_flight.values()])

    def give_up(self, invocation_id: str, reason: HostError) -> None:
        """Answer one invocation with ``reason``; a later answer of the worker is ignored."""
        _refuse(self._in_flight.pop(invocation_id).answer, reason)

    async def init(self, request: WorkerInitRequest) -> WorkerInitResponse:
        """Make the worker import the app and index its functions."""
        self._send(request)
        return await self._initialized

    async def functions(self) -> FunctionMetadataResponse:
        """Ask the worker for the functions that it indexed."""
        self._send(FunctionsMetadataRequest())
        return await self._indexed

    def fail(self, reason: HostError) -> None:
        """Answer everything that is waiting for this worker with ``reason``."""
        waiting: list[asyncio.Future[Any]] = [
            self.started,
            self._initialized,
            self._indexed,
            *(sent.answer for sent in self._in_flight.values()),
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
            # Caused by an app that writes to file descriptors it does not own; the stream is unusable from here on.
            self.fail(WorkerDiedError(f"the stream of a worker is corrupt: {error}"))
            self.close()
            return
        for message in messages:
            self._receive(message)

    def _receive(self, message: FromWorker) -> None:
        match message:
            case InvocationResponse():
                sent = self._in_flight.pop(message.invocation_id, None)
                if sent is not None:
                    _settle(sent.answer, message)
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
    if not waiting.done():  # it is done when the wait for it timed out or was cancelled
        waiting.set_result(message)


def _refuse(waiting: asyncio.Future[Any], reason: HostError) -> None:
    if not waiting.done():
        waiting.set_exception(reason)
        waiting.exception()  # mark it as retrieved, since there may be no waiter
