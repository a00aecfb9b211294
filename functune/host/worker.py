"""
The worker process: one event loop, one stream to the front, and the runtime between them.

worker_entry.py runs it. It reads no settings: the runtime and the app read theirs from the process environment, as on
the platform.
"""

import asyncio
import logging
import mmap
import os
import signal
import socket
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import cast

import msgspec
import uvloop

from functune.environ import profile_folder
from functune.errors import FunctuneError
from functune.host import runtime
from functune.host.messages import (
    FromWorker,
    FunctionsMetadataRequest,
    InvocationRequest,
    InvocationResponse,
    MessageReader,
    ProtocolError,
    RpcException,
    RpcLog,
    StartStream,
    ToWorker,
    WorkerInitRequest,
    WorkerInitResponse,
    encode,
    escape_surrogates,
)
from functune.host.parent import end_with_parent
from functune.limiter import KeptLimiter, limiter_of_process
from functune.timing.asking import TIMES_ASKED
from functune.timing.calls import CallTimer
from functune.timing.page import PAGE_BYTES, CallPage

_RUNTIME_LOGGERS = ("azure.functions", "azure_functions_runtime")


class WorkerStream(asyncio.Protocol):
    """
    The worker's end of the stream. Every message becomes a task on the loop, as in Microsoft's proxy worker.

    ``show_app`` is called before the app is imported. ``closed`` is done when the front has closed the stream. With a
    ``timer`` every call of a handler is measured; without one, only calls of requests that ask for their times.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, show_app: Callable[[], None], timer: CallTimer | None) -> None:
        self.closed: asyncio.Future[None] = loop.create_future()
        self._show_app = show_app
        self._loop = loop
        self._timer = timer
        self._asked_timer: CallTimer | None = None
        self._limiter: KeptLimiter | None = None
        self._reader: MessageReader[ToWorker] = MessageReader(ToWorker.__value__)
        self._tasks: set[asyncio.Task[None]] = set()
        self._transport: asyncio.Transport | None = None

    def send(self, message: FromWorker) -> None:
        """Write one message; it is dropped when the front has closed the stream."""
        if self._transport is not None:
            self._transport.write(encode(message))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own class does not derive from asyncio's
        self.send(StartStream())

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self.closed.set_result(None)

    def data_received(self, data: bytes) -> None:
        for message in self._reader.feed(data):
            # The loop keeps a weak reference only, and the answer of a collected task would be lost.
            task = self._loop.create_task(self._handle(message))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _handle(self, message: ToWorker) -> None:
        match message:
            case InvocationRequest():
                timer = self._timer
                if timer is None and TIMES_ASKED in message.http.headers:
                    timer = self._timer_of_askers()
                    message = runtime.measured_alone(message, timer)
                if self._limiter is not None:
                    self._limiter.set_tokens()
                self._answer(await runtime.invoke(message), timer)
            case WorkerInitRequest():
                self._show_app()
                loaded = self._with_limiter(await runtime.init(message))
                if self._timer is not None:
                    runtime.time_functions(self._timer)
                self.send(loaded)
                sys.stdout.flush()
            case FunctionsMetadataRequest():
                self.send(await runtime.indexed_functions())

    def _with_limiter(self, loaded: WorkerInitResponse) -> WorkerInitResponse:
        """The answer to the load of the app; a failure where the app lacks the limiter that is asked for."""
        try:
            self._limiter = limiter_of_process()
        except FunctuneError as error:
            return msgspec.structs.replace(loaded, exception=loaded.exception or RpcException(str(error), ""))
        return loaded

    def _timer_of_askers(self) -> CallTimer:
        """The timer for requests that ask for their times, where those of the others are not measured."""
        if self._asked_timer is None:
            page = CallPage(mmap.mmap(-1, PAGE_BYTES))
            self._asked_timer = CallTimer(page, current_call=runtime.current_invocation_id)
        return self._asked_timer

    def _answer(self, answer: InvocationResponse, timer: CallTimer | None) -> None:
        answer = runtime.with_call_times(answer, timer)
        try:
            self.send(answer)
        except ProtocolError as error:
            failed = runtime.failed_invocation(answer.invocation_id, str(error))
            self.send(msgspec.structs.replace(failed, times=answer.times))


class StreamLogHandler(logging.Handler):
    """Sends log records to the front, from any thread."""

    def __init__(self, stream: WorkerStream, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._stream = stream
        self._loop = loop
        self._loop_thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            log = RpcLog(
                level=record.levelno,
                message=escape_surrogates(self.format(record)),
                is_system=record.name.startswith(_RUNTIME_LOGGERS),
                invocation_id=runtime.current_invocation_id(),
            )
            if threading.get_ident() == self._loop_thread:
                self._stream.send(log)
            else:
                self._loop.call_soon_threadsafe(self._stream.send, log)
        except Exception:  # a record that cannot be formatted must not fail the function that logs it
            self.handleError(record)


async def answer_front(
    connection: socket.socket,
    show_app: Callable[[], None],
    timer: CallTimer | None,
    script_root: Path,
) -> None:
    """Answer the front until it closes the stream."""
    loop = asyncio.get_running_loop()
    if (folder := profile_folder()) is not None:
        # Imported here, since most workers are started without a folder for profiles.
        from functune.timing.sampler import start_sampler

        start_sampler(folder, script_root=script_root, loop=loop)
    stream = WorkerStream(loop, show_app, timer)
    root = logging.getLogger()
    root.setLevel(logging.DEBUG if runtime.is_debug_logging_enabled() else logging.INFO)
    root.addHandler(StreamLogHandler(stream, loop))
    transport, _ = await loop.create_unix_connection(lambda: stream, sock=connection)
    try:
        await stream.closed
    finally:
        transport.close()


def call_timer(page_fd: int) -> CallTimer:
    """A timer that counts the calls in the inherited file, which it closes once it is mapped."""
    memory = mmap.mmap(page_fd, PAGE_BYTES)
    os.close(page_fd)
    return CallTimer(CallPage(memory), current_call=runtime.current_invocation_id)


def _use_uvloop() -> None:
    """
    Make every loop of the process a uvloop, those that the app creates included.

    Microsoft's proxy worker sets the policy as well, where uvloop is installed (start_worker.py).
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # policies are deprecated from Python 3.14 on
        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())


def run_worker(*, fd: int, script_root: Path, show_app: Callable[[], None], times_fd: int | None) -> None:
    """
    Run one worker until its stream ends. ``fd`` is the inherited socket to the front, ``times_fd`` the inherited file
    for the totals of the calls; without it nothing is timed.

    ``show_app`` makes the app importable and hides the modules of the worker, so nothing can be imported here after it.
    """
    # This works while the event loop is blocked. Outside Linux, the closed stream ends a worker once its loop runs.
    end_with_parent(signal.SIGKILL)
    runtime.start()
    _use_uvloop()
    with socket.socket(fileno=fd) as connection:
        connection.setblocking(False)
        timer = None if times_fd is None else call_timer(times_fd)
        asyncio.run(answer_front(connection, show_app, timer, script_root))
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads that never end and calls in the pool must not keep the process alive; the platform kills its workers too.
    os._exit(0)
