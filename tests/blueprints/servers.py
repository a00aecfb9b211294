"""Small HTTP servers for outbound calls: each path answers in one way, and the calls are counted."""

import asyncio
import contextlib
import json
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qs, urlsplit

OVERSIZED = 11 * 1024 * 1024
_DRIPS = 1000
_DRIP_PAUSE = 0.02
DRIP_SECONDS = _DRIPS * _DRIP_PAUSE
"""How long a slow answer takes at least, if the client waits for its end."""
# The first bytes of a server's TLS handshake: a record of 16 KB, of which the rest would follow.
_TLS_RECORD = b"\x16\x03\x03\x40\x00"


class Servers:
    """
    Starts servers on loopback, at free ports, and remembers what they were asked.

    Paths: /sleep?ms= (with &calls=, only once so many calls are in flight), /status/500, /redirect?to=, /redirect-again
    (to itself, after 100 ms), /oversized, /cookie, and the identity endpoint of App Service at /msi/token. Slow, with
    20 ms between their parts: /drip a byte of the body, /drip-headers a byte of a header, /interim a response 103.
    """

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.headers: list[dict[str, str]] = []
        self.connections = 0
        self.in_flight = 0
        self.peak_in_flight = 0
        self._reached: defaultdict[int, asyncio.Event] = defaultdict(asyncio.Event)
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> str:
        """Start a server; returns its address, such as ``127.0.0.1:40123``."""
        return await self._start(self._serve)

    async def start_slow_tls(self) -> str:
        """Start a server whose TLS handshake comes byte by byte; returns its address."""
        return await self._start(self._serve_slow_tls)

    async def all_left(self) -> None:
        """Wait until no client is connected any more."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    async def _start(self, serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]) -> str:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        self._servers.append(server)
        return f"127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        """Close the servers and whatever connection is still open."""
        for server in self._servers:
            server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for server in self._servers:
            await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._remember_connection()
        try:
            while line := await reader.readline():
                headers = await _read_headers(reader)
                self.headers.append(headers)
                await self._serve_one(line.split()[1].decode(), headers, writer)
        except ConnectionError:
            pass  # the client gave up, as some tests want it to
        finally:
            await _close(writer)

    async def _serve_slow_tls(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._remember_connection()
        try:
            await _drip(writer, _TLS_RECORD, b"\0")
        except ConnectionError:
            pass
        finally:
            await _close(writer)

    def _remember_connection(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        task.add_done_callback(self._tasks.discard)

    async def _serve_one(self, target: str, headers: dict[str, str], writer: asyncio.StreamWriter) -> None:
        url = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        self.calls[url.path] += 1
        self.in_flight += 1
        self.peak_in_flight = max(self.peak_in_flight, self.in_flight)
        self._reached[self.peak_in_flight].set()
        try:
            await self._answer(url.path, query, headers, writer)
        finally:
            self.in_flight -= 1

    async def _answer(
        self, path: str, query: dict[str, str], headers: dict[str, str], writer: asyncio.StreamWriter
    ) -> None:
        match path:
            case "/sleep":
                await self._reached[int(query.get("calls", 1))].wait()
                await asyncio.sleep(int(query["ms"]) / 1000)
                await send(writer, 200, b"slept")
            case "/redirect":
                await send(writer, 302, b"elsewhere", location=query["to"])
            case "/redirect-again":
                await asyncio.sleep(0.1)
                await send(writer, 302, b"once more", location=path)
            case "/oversized":
                await send(writer, 200, bytes(OVERSIZED))
            case "/drip":
                await _drip(writer, b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n", b".")
            case "/drip-headers":
                await _drip(writer, b"HTTP/1.1 200 OK\r\nx-slow: ", b".")
            case "/interim":
                await _drip(writer, b"", b"HTTP/1.1 103 Early Hints\r\n\r\n")
            case "/cookie":
                await send(writer, 200, b"", **{"set-cookie": "session=secret; Path=/"})
            case "/msi/token":
                await _send_token(writer, query, headers)
            case _:
                await send(writer, int(path.rpartition("/")[2]), b"as asked")


async def _read_headers(reader: asyncio.StreamReader) -> dict[str, str]:
    headers = {}
    while (line := await reader.readline()).strip():
        name, _, value = line.decode().partition(":")
        headers[name.lower()] = value.strip()
    return headers


async def send(writer: asyncio.StreamWriter, status: int, body: bytes, **headers: str) -> None:
    """Write one whole answer."""
    lines = [f"HTTP/1.1 {status} Said So", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    writer.write("\r\n".join([*lines, "", ""]).encode() + body)
    await writer.drain()


async def _drip(writer: asyncio.StreamWriter, first: bytes, repeated: bytes) -> None:
    writer.write(first)
    for _ in range(_DRIPS):
        writer.write(repeated)
        await writer.drain()
        await asyncio.sleep(_DRIP_PAUSE)


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


async def _send_token(writer: asyncio.StreamWriter, query: dict[str, str], headers: dict[str, str]) -> None:
    """Answer as the identity endpoint of App Service does in api-version 2019-08-01: all values are strings."""
    if headers.get("x-identity-header") != "sesame" or query.get("api-version") != "2019-08-01":
        await send(
            writer, 400, b'{"statusCode": 400, "message": "bad request"}', **{"content-type": "application/json"}
        )
        return
    token = {
        "access_token": f"token-for-{query['resource']}",
        "expires_on": str(int(time.time()) + 86_400),
        "resource": query["resource"],
        "token_type": "Bearer",
    }
    await send(writer, 200, json.dumps(token).encode(), **{"content-type": "application/json"})
