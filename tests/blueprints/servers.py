"""Small HTTP servers for outbound calls: each path answers in one way, and the calls are counted."""

import asyncio
import contextlib
import json
import socket
import time
from collections import Counter
from urllib.parse import parse_qs, urlsplit

OVERSIZED = 11 * 1024 * 1024


class Servers:
    """
    Starts servers on loopback, at free ports, and remembers what they were asked.

    Paths: /sleep?ms=, /status/500, /redirect?to=, /oversized, /drip (a byte of body each 20 ms), /cookie, and the
    identity endpoint of App Service at /msi/token.
    """

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.headers: list[dict[str, str]] = []
        self.connections = 0
        self.in_flight = 0
        self.peak_in_flight = 0
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> str:
        """Start a server; returns its address, such as ``127.0.0.1:40123``."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
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
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        task.add_done_callback(self._tasks.discard)
        try:
            while line := await reader.readline():
                headers = await _read_headers(reader)
                self.headers.append(headers)
                await self._serve_one(line.split()[1].decode(), headers, writer)
        except ConnectionError:
            pass  # the client gave up, as some tests want it to
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _serve_one(self, target: str, headers: dict[str, str], writer: asyncio.StreamWriter) -> None:
        url = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        self.calls[url.path] += 1
        self.in_flight += 1
        self.peak_in_flight = max(self.peak_in_flight, self.in_flight)
        try:
            await self._answer(url.path, query, headers, writer)
        finally:
            self.in_flight -= 1

    async def _answer(
        self, path: str, query: dict[str, str], headers: dict[str, str], writer: asyncio.StreamWriter
    ) -> None:
        match path:
            case "/sleep":
                await asyncio.sleep(int(query["ms"]) / 1000)
                await send(writer, 200, b"slept")
            case "/redirect":
                await send(writer, 302, b"elsewhere", location=query["to"])
            case "/oversized":
                await send(writer, 200, bytes(OVERSIZED))
            case "/drip":
                await _drip(writer)
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


async def _drip(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
    for _ in range(1000):
        writer.write(b".")
        await writer.drain()
        await asyncio.sleep(0.02)


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


def refusing_address() -> str:
    """A loopback address nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"
