"""
A partner's API, as a process: ``python partner.py`` prints its port, and ends when its standard input does.

``/quick`` takes 30 ms and ``/slow`` 60 ms, however many calls there are; ``/one-at-a-time`` takes 30 ms for one call
after the other, over all connections.
"""

import asyncio
import sys

DELAYS = {"/quick": 0.03, "/slow": 0.06, "/one-at-a-time": 0.03}
TURN = asyncio.Lock()
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nok"


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the requests of one connection, which have no bodies, until the client closes it."""
    while head := await request_head(reader):
        path = head.split()[1].decode()
        if path == "/one-at-a-time":
            async with TURN:
                await asyncio.sleep(DELAYS[path])
        else:
            await asyncio.sleep(DELAYS[path])
        writer.write(ANSWER)
    writer.close()


async def request_head(reader: asyncio.StreamReader) -> bytes:
    """The next request up to its blank line; empty where the client has closed the connection."""
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionResetError):
        return b""


async def main() -> None:
    """Serve until the standard input ends."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.buffer.read)


if __name__ == "__main__":
    asyncio.run(main())
