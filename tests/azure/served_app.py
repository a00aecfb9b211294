"""The showcase on functune's local host, behind the stand-in: each change of the site restarts it with what is set."""

import asyncio
from pathlib import Path
from typing import Any

import httpx

from functune.environ import child_environ
from functune.hosts.local import HostProcess
from tests.azure.stand_in import Answer, StandIn, reply

ROOT = Path(__file__).parents[2]
DELAY = 0.4
"""Seconds from a change until the restart, so that changes that follow one another cost one restart."""


class ServedShowcase:
    """An ASGI application that passes requests on to the host of the moment."""

    def __init__(self) -> None:
        self.stand_in: StandIn | None = None
        self.loop: asyncio.AbstractEventLoop | None = None
        self.host: HostProcess | None = None
        self.starting: asyncio.Task[None] | None = None
        self.generation = 0
        self.client = httpx.AsyncClient(
            timeout=60,
            trust_env=False,
            verify=False,
            limits=httpx.Limits(max_connections=64, max_keepalive_connections=0),
        )

    def attach(self, stand_in: StandIn) -> None:
        """Follow the changes of a site."""
        self.stand_in = stand_in
        stand_in.on_change = self.changed

    def changed(self) -> None:
        """Restart, from the thread of the server or of a timer."""
        if self.loop is not None:
            self.loop.call_soon_threadsafe(self.restart)

    def restart(self) -> None:
        """End the host, with the calls in flight, and start another: a moment later, unless the site changes again."""
        self.generation += 1
        self.starting = asyncio.create_task(self.replace(self.starting, self.generation))

    async def replace(self, before: "asyncio.Task[None] | None", generation: int) -> None:
        """Wait for a start under way, and start anew."""
        if before is not None:
            await before
            await asyncio.sleep(DELAY)
        if generation != self.generation:
            return
        await self.stop()
        assert self.stand_in is not None
        triggers = self.stand_in.scale.get("triggers") or {}
        concurrency = (triggers.get("http") or {}).get("perInstanceConcurrency", 1)
        variables = self.stand_in.settings | {"WEBSITE_INSTANCE_ID": f"instance-{self.generation}"}
        host = HostProcess(
            ROOT,
            process_count=1,
            environ=child_environ(variables),
            flags=["--per-instance-concurrency", str(concurrency)],
            times=False,
        )
        await host.__aenter__()
        self.host = host

    async def stop(self) -> None:
        """End the host."""
        host, self.host = self.host, None
        if host is not None:
            await host.__aexit__(None, None, None)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self.loop is None:
            self.loop = asyncio.get_running_loop()
            self.restart()
        if scope["path"] == "/stop":
            assert self.starting is not None
            self.generation += 1
            await self.starting
            await self.stop()
            await self.client.aclose()
            await reply(send, Answer(200, {}))
            return
        host = self.host
        if host is None:
            await asyncio.sleep(0.1)
            await reply(send, Answer(503, {"error": "the app starts"}))
            return
        await self.passed_on(host, scope, send)

    async def passed_on(self, host: HostProcess, scope: Any, send: Any) -> None:
        """Send a request on."""
        url = f"{host.base_url}{scope['path']}?{scope['query_string'].decode()}"
        headers = [(name, value) for name, value in scope["headers"] if name != b"host"]
        try:
            answer = await self.client.request(scope["method"], url, headers=headers)
        except httpx.TransportError:
            await reply(send, Answer(503, {"error": "the app restarts"}))
            return
        kept = [
            (name, value)
            for name, value in answer.headers.raw
            if name.lower() not in (b"transfer-encoding", b"content-length", b"connection")
        ]
        pairs = [*kept, (b"content-length", str(len(answer.content)).encode())]
        await send({"type": "http.response.start", "status": answer.status_code, "headers": pairs})
        await send({"type": "http.response.body", "body": answer.content})
