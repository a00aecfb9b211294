"""What the tests of the app share: how to call a handler, and a fresh start for what a worker keeps."""

import asyncio
import inspect
import json
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

import azure.functions as func
import pytest

from blueprints import credentials, outbound
from tests.blueprints.servers import Servers


@dataclass(frozen=True)
class Answer:
    """A response, parsed."""

    status: int
    mimetype: str
    body: dict[str, Any]


Call = Callable[..., Coroutine[Any, Any, Answer]]


def build_request(
    query: Mapping[str, str] | None = None, *, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> func.HttpRequest:
    """A request as the runtime hands it to a handler: GET without a body, POST with one."""
    return func.HttpRequest(
        method="GET" if body is None else "POST",
        url="http://localhost:7071/api",
        headers=headers or {},
        params=query or {},
        body=body or b"",
    )


def user_function(handler: Any) -> Callable[..., Any]:
    """The function behind what ``@blueprint.route`` made of it; this is what the runtime inspects and calls."""
    function: Callable[..., Any] = handler._function.get_user_function()
    return function


def named(handler: Any) -> str:
    """The name of the function that ``@blueprint.route`` made of a handler."""
    name: str = handler._function.get_function_name()
    return name


@pytest.fixture
def call() -> Call:
    """Call a handler as the runtime does: by keyword, ``async def`` on the loop, ``def`` on another thread."""

    async def call(handler: Any, query: Mapping[str, str] | None = None, **request: Any) -> Answer:
        req = build_request(query, **request)
        if inspect.iscoroutinefunction(user_function(handler)):
            response = await handler(req=req)
        else:
            response = await asyncio.to_thread(handler, req=req)
        return Answer(response.status_code, response.mimetype, json.loads(response.get_body()))

    return call


@pytest.fixture
async def servers() -> AsyncIterator[Servers]:
    """Real HTTP servers on loopback, closed after the test."""
    servers = Servers()
    yield servers
    await servers.close()


@pytest.fixture
def refusing_address(closed_port: int) -> str:
    """A loopback address that nothing listens at."""
    return f"127.0.0.1:{closed_port}"


@pytest.fixture
def unknown_host(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a host that the resolver refuses at once; one on the network may take longer than a time-out."""
    name, resolve = "nosuchhost.invalid", socket.getaddrinfo

    def refuse(host: Any, *where: Any, **hints: Any) -> Any:
        if host in (name, name.encode()):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return resolve(host, *where, **hints)

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    return name


@pytest.fixture(autouse=True)
async def _fresh_loop() -> AsyncIterator[None]:
    """Each test has an event loop of its own, and what belongs to a loop is closed on it."""
    yield
    await outbound.close_async_client()
    await credentials.close_async_credential()
