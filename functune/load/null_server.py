"""
A server that does nothing, as a process: ``python -m functune.load.null_server`` prints its port.

The throughput of the load generator against it is the generator's own limit. It answers every complete request with an
empty object, after DELAY_MS milliseconds if given (``null_server DELAY_MS``). It ends when its standard input does, and
so with its parent.
"""

import asyncio
import sys
from typing import cast

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"


class Null(asyncio.Protocol):
    """Answers at every blank line, ``delay`` seconds later: who calls it sends no bodies."""

    def __init__(self, delay: float) -> None:
        self.delay = delay

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast(asyncio.Transport, transport)  # uvloop's own is no subclass of it

    def data_received(self, data: bytes) -> None:
        """Answer, or arrange for it."""
        if not data.endswith(b"\r\n\r\n"):
            return
        if self.delay:
            asyncio.get_running_loop().call_later(self.delay, self.answer)
        else:
            self.answer()

    def answer(self) -> None:
        """Answer who is still there."""
        if not self.transport.is_closing():
            self.transport.write(ANSWER)


async def serve_nothing(delay: float) -> None:
    """Serve until the standard input ends."""
    server = await asyncio.get_running_loop().create_server(lambda: Null(delay), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.buffer.read)


if __name__ == "__main__":
    import uvloop

    uvloop.run(serve_nothing(float(sys.argv[1]) / 1000 if len(sys.argv) > 1 else 0.0))
