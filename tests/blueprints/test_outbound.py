"""Both colours of the outbound call, against real servers."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from urllib.parse import quote

import httpx
import pytest

from blueprints.outbound import (
    Fetched,
    FetchError,
    FetchTimeoutError,
    async_client,
    fetch_async,
    fetch_sync,
    sync_client,
)
from blueprints.targets import AllowList, allow_list_of
from tests.blueprints.servers import DRIP_SECONDS, Servers

Fetch = Callable[..., Awaitable[Fetched]]


async def on_loop(url: str, timeout_ms: int = 5000, allowed: AllowList | None = None) -> Fetched:
    target = httpx.URL(url)
    return await fetch_async(async_client(), target, allowed or allow_list_of([target]), timeout_ms)


async def on_thread(url: str, timeout_ms: int = 5000, allowed: AllowList | None = None) -> Fetched:
    target = httpx.URL(url)
    return await asyncio.to_thread(fetch_sync, sync_client(), target, allowed or allow_list_of([target]), timeout_ms)


@pytest.fixture(params=[on_loop, on_thread], ids=["async", "sync"])
def fetch(request: pytest.FixtureRequest) -> Fetch:
    fetch: Fetch = request.param
    return fetch


async def test_fetch_returns_status_and_size(servers: Servers, fetch: Fetch) -> None:
    address = await servers.start()
    assert await fetch(f"http://{address}/sleep?ms=10") == Fetched(status=200, bytes=5)
    assert await fetch(f"http://{address}/status/500") == Fetched(status=500, bytes=8)


async def test_fetch_names_a_refused_connection(fetch: Fetch, refusing_address: str) -> None:
    with pytest.raises(FetchError, match=r"^connection refused$"):
        await fetch(f"http://{refusing_address}/")


async def test_fetch_names_a_host_that_is_not_resolved(fetch: Fetch, unknown_host: str) -> None:
    with pytest.raises(FetchError, match=r"^name not resolved$"):
        await fetch(f"http://{unknown_host}/")


@pytest.mark.parametrize("path", ["sleep?ms=20000", "drip", "drip-headers", "interim", "redirect-again"])
async def test_fetch_times_out_as_a_whole(servers: Servers, fetch: Fetch, path: str) -> None:
    """No operation takes longer than the time-out, except in the first case; all together do."""
    address = await servers.start()
    started = time.monotonic()
    with pytest.raises(FetchTimeoutError, match=r"^timed out after 300 ms$"):
        await fetch(f"http://{address}/{path}", timeout_ms=300)
    assert time.monotonic() - started < DRIP_SECONDS


async def test_fetch_times_out_within_the_handshake(servers: Servers, fetch: Fetch) -> None:
    address = await servers.start_slow_tls()
    started = time.monotonic()
    with pytest.raises(FetchTimeoutError, match=r"^timed out after 300 ms$"):
        await fetch(f"https://{address}/", timeout_ms=300)
    async with asyncio.timeout(DRIP_SECONDS):
        await servers.all_left()
    assert time.monotonic() - started < DRIP_SECONDS


async def test_fetch_takes_the_next_address_of_a_name(servers: Servers, fetch: Fetch) -> None:
    """Where localhost is ::1 as well, nothing listens there."""
    address = await servers.start()
    port = address.rpartition(":")[2]
    assert await fetch(f"http://localhost:{port}/status/200") == Fetched(status=200, bytes=8)


@pytest.mark.parametrize(
    "location",
    [
        "http://xn--/",
        "//xn--a/",
        "http://a..b/",
        "http://[::1/",
        "http://[v1.x]/",
        "http://user:k3y@xn--/?sig=k3y",
        "http://h:port/?sig=k3y",
        "http://h:99999999/",
        "http://%00/",
        "http:///",
        "http://\\",
        "://",
        "http://é/",
    ],
)
async def test_fetch_survives_a_bad_redirect(servers: Servers, fetch: Fetch, location: str) -> None:
    address = await servers.start()
    [outcome] = await asyncio.gather(fetch(f"http://{address}/redirect?to={quote(location)}"), return_exceptions=True)
    assert isinstance(outcome, Fetched | FetchError)
    assert "k3y" not in str(outcome)


async def test_fetch_stops_at_an_oversized_body(servers: Servers, fetch: Fetch) -> None:
    address = await servers.start()
    with pytest.raises(FetchError, match=r"^body larger than 10485760 bytes$"):
        await fetch(f"http://{address}/oversized")


async def test_fetch_follows_a_redirect_on_the_same_host(servers: Servers, fetch: Fetch) -> None:
    address = await servers.start()
    assert await fetch(f"http://{address}/redirect?to=/status/200") == Fetched(status=200, bytes=8)
    assert servers.calls == {"/redirect": 1, "/status/200": 1}


async def test_fetch_gives_up_after_five_redirects(servers: Servers, fetch: Fetch) -> None:
    address = await servers.start()
    # parse_qs decodes once for each hop; a redirect to itself needs no nesting.
    with pytest.raises(FetchError, match=r"^more than 5 redirects$"):
        await fetch(f"http://{address}/redirect?to=%3Fto=%253Fto=%25253Fto=%2525253Fto=%252525253Fto=%25252525253Fto=x")
    assert servers.calls == {"/redirect": 6}


async def test_fetch_does_not_follow_a_redirect_to_another_host(servers: Servers, fetch: Fetch) -> None:
    here, there = await servers.start(), await servers.start()
    elsewhere = f"http://localhost:{there.rpartition(':')[2]}/status/200"
    allowed = allow_list_of([httpx.URL(f"http://{here}"), httpx.URL(elsewhere)])
    assert await fetch(f"http://{here}/redirect?to={elsewhere}", allowed=allowed) == Fetched(status=302, bytes=9)
    assert servers.calls == {"/redirect": 1}


async def test_fetch_does_not_follow_a_redirect_to_a_forbidden_port(servers: Servers, fetch: Fetch) -> None:
    here, there = await servers.start(), await servers.start()
    assert await fetch(f"http://{here}/redirect?to=http://{there}/status/200") == Fetched(status=302, bytes=9)
    assert servers.calls == {"/redirect": 1}


async def test_fetch_keeps_no_cookies(servers: Servers, fetch: Fetch) -> None:
    address = await servers.start()
    await fetch(f"http://{address}/cookie")
    await fetch(f"http://{address}/status/200")
    assert [headers.get("cookie") for headers in servers.headers] == [None, None]


async def test_fetch_uses_no_proxy_of_the_environment(
    servers: Servers, fetch: Fetch, refusing_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://{refusing_address}")
    monkeypatch.setenv("http_proxy", f"http://{refusing_address}")
    address = await servers.start()
    assert (await fetch(f"http://{address}/status/200")).status == 200


async def test_fetch_logs_no_key(servers: Servers, fetch: Fetch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    await fetch(f"http://{await servers.start()}/status/200?code=k3y")
    assert "k3y" not in caplog.text


async def test_clients_are_shared() -> None:
    assert async_client() is async_client()
    assert sync_client() is sync_client()
