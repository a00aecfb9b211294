"""
The worker process: one event loop, one stream to the front, and the runtime between them.

The supervisor starts it as ``python -P -m functune.host.worker --fd N --worker-id ID --script-root DIR``. It reads no
settings: the runtime and the app read theirs from the process environment, as on the platform.
"""

import argparse
import asyncio
import logging
import os
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import cast

import uvloop

from functune.environ import profile_folder
from functune.host import runtime
from functune.host.messages import (
    FromWorker,
    FunctionsMetadataRequest,
    InvocationRequest,
    MessageReader,
    ProtocolError,
    RpcLog,
    StartStream,
    ToWorker,
    WorkerInitRequest,
    encode,
    escape_surrogates,
)
from functune.host.parent import end_with_parent
from functune.timing.sampler import start_sampler

_RUNTIME_LOGGERS = ("azure.functions", "azure_functions_runtime")


class WorkerStream(asyncio.Protocol):
    """
    The worker's end of the stream. Every message becomes a task on the loop, as in Microsoft's proxy worker.

    ``closed`` is done when the front has closed the stream.
    """

    def __init__(self, worker_id: str, loop: asyncio.AbstractEventLoop) -> None:
        self.closed: asyncio.Future[None] = loop.create_future()
        self._worker_id = worker_id
        self._loop = loop
        self._reader: MessageReader[ToWorker] = MessageReader(ToWorker.__value__)
        self._tasks: set[asyncio.Task[None]] = set()
        self._transport: asyncio.Transport | None = None

    def send(self, message: FromWorker) -> None:
        """Write one message; it is dropped when the front has closed the stream."""
        if self._transport is not None:
            self._transport.write(encode(message))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own class does not derive from asyncio's
        self.send(StartStream(self._worker_id, os.getpid()))

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
                answer = await runtime.invoke(message)
                try:
                    self.send(answer)
                except ProtocolError as error:
                    self.send(runtime.failed_invocation(message.invocation_id, str(error)))
            case WorkerInitRequest():
                self.send(await runtime.init(message))
                sys.stdout.flush()
            case FunctionsMetadataRequest():
                self.send(await runtime.indexed_functions())


class StreamLogHandler(logging.Handler):
    """Sends log records to the front, from any thread."""

    def __init__(self, stream: WorkerStream, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._stream = stream
        self._loop = loop
        self._loop_thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.msg == "Native invocation failed":
            return  # the answer contains the same exception, and the front logs it with the function's name
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


async def answer_front(connection: socket.socket, worker_id: str, script_root: Path) -> None:
    """Answer the front until it closes the stream."""
    loop = asyncio.get_running_loop()
    if (folder := profile_folder()) is not None:
        start_sampler(folder, script_root=script_root, loop=loop)
    stream = WorkerStream(worker_id, loop)
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    root.addHandler(StreamLogHandler(stream, loop))
    transport, _ = await loop.create_unix_connection(lambda: stream, sock=connection)
    try:
        await stream.closed
    finally:
        transport.close()


def run_worker() -> None:
    """Run one worker until its stream ends."""
    parser = argparse.ArgumentParser(description="One worker process of the local host; started by it.")
    parser.add_argument("--fd", type=int, required=True, help="the inherited socket to the front")
    parser.add_argument("--worker-id", required=True)
    parser.add_argument("--script-root", type=Path, required=True)
    arguments = parser.parse_args()

    # This works while the event loop is blocked. Outside Linux, the closed stream ends a worker once its loop runs.
    end_with_parent(signal.SIGKILL)
    runtime.start(arguments.script_root)
    with socket.socket(fileno=arguments.fd) as connection:
        connection.setblocking(False)
        # uvloop is the platform's loop from Python 3.13 on.
        uvloop.run(answer_front(connection, arguments.worker_id, arguments.script_root))
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads that never end and calls in the pool must not keep the process alive; the platform kills its workers too.
    os._exit(0)


if __name__ == "__main__":
    run_worker()
