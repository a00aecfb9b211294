"""An app that runs elsewhere, called before it is measured."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from functune.azure.pace import PACE
from functune.errors import HostError
from functune.hosts.azure_witness import Witness
from functune.hosts.served_app import ServedApp
from functune.hosts.url import RemoteHost
from functune.setting import Setting

SECRET = "s3cret-of-nobody"


@contextlib.asynccontextmanager
async def answering(head: str) -> AsyncIterator[str]:
    """The base URL of a server that gives every request this answer, and keeps the connection open."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(head.encode())
            await writer.drain()
            await reader.read()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_refusal_of_a_live_app_shows_its_url_without_the_key_in_it() -> None:
    async with (
        answering("HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n") as url,
        Witness(url, f"/api/items?code={SECRET}", key=None, pace=PACE) as witness,
    ):
        with pytest.raises(HostError) as raised:
            await witness.workers()
    assert f"{url}/api/items?*** answered 401: set FUNCTUNE_KEY" in str(raised.value)
    assert SECRET not in str(raised.value)


async def test_answer_without_an_end_is_an_answer() -> None:
    """A route of server-sent events sends on as long as somebody listens."""
    async with answering("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: 1\n\n") as url:
        kind = RemoteHost(url, key=None, route="/events")
        async with asyncio.timeout(30), kind.running(ServedApp(Path()), setting=Setting()) as host:
            assert host.base_url == url
