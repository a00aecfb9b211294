"""Gunicorn and Uvicorn as hosts: the same answers as the local host, their settings, and worker processes that die."""

import asyncio
import contextlib
import json
import os
import re
import signal
import sys
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from functune.errors import HostError, UsageError
from functune.hosts.kinds import RunningHost
from functune.hosts.program import Program
from functune.hosts.registry import host_kind
from functune.hosts.served_app import ServedApp
from functune.load.host_calls import read_call_pages
from functune.setting import Setting
from functune.timing.header import WORKER, parse
from tests.host.serving import APPS

SHOWCASE = APPS.parents[2]
THREADED = ("gunicorn:gthread", "gunicorn:asgi", "gunicorn:uvicorn", "uvicorn")
SERVERS = (*THREADED, "gunicorn:sync")
DEFAULT, TWO_PROCESSES, SEVERAL = Setting(), Setting(process_count=2), Setting(process_count=2, thread_count=2)
OF_THE_SERVER = {"server", "date", "connection", "keep-alive", "transfer-encoding", "server-timing", WORKER}
"""Headers in which servers may differ."""
REQUESTS: tuple[tuple[str, str, dict[str, str], bytes], ...] = (
    ("GET", "/api/describe?a=1&A=2&b=%C3%A9&c=", {"x-twice": "1", "accept-encoding": "identity"}, b""),
    ("POST", "/api/describe", {"content-type": "text/plain"}, b"body"),
    ("GET", "/api/items/7/caf%C3%A9", {}, b""),
    ("GET", "/api/items/x", {}, b""),
    ("GET", "/api/files/a/b%2Fc%20d", {}, b""),
    ("GET", "/api/files/%FF", {}, b""),
    ("GET", "/api/%ZZ", {}, b""),
    ("POST", "/api/mirror", {}, bytes(range(256))),
    ("POST", "/api/text", {}, b"plain"),
    ("POST", "/api/text", {}, b'{"a": [1, 2]}'),
    ("POST", "/api/text", {}, b'{"status": 202, "body": {"a": 1}, "headers": {"X-A": "b"}}'),
    ("POST", "/api/respond", {}, json.dumps({"body": "x", "status_code": 418, "headers": {"X-A": "1"}}).encode()),
    ("POST", "/api/respond", {}, json.dumps({"body": "x", "headers": {"X-A": "no\nnewline"}}).encode()),
    ("POST", "/api/respond", {}, json.dumps({"status_code": 204}).encode()),
    ("HEAD", "/api/describe", {}, b""),
    ("GET", "/api/returns/nothing", {}, b""),
    ("GET", "/api/boom/sync", {}, b""),
    ("GET", "/api/boom/async", {}, b""),
    ("GET", "/api/boom/cancelled", {}, b""),
    ("GET", "/api/generic/out?set", {}, b""),
    ("GET", "/api/generic/out?set=1", {}, b""),
    ("GET", "/api/generic/silent", {}, b""),
    ("DELETE", "/api/mirror", {}, b""),
    ("GET", "/api/nowhere", {}, b""),
    ("GET", "/", {}, b""),
)


async def answered(client: httpx.AsyncClient, host: RunningHost, number: int) -> tuple[int, bytes, dict[str, str]]:
    method, target, headers, body = REQUESTS[number]
    # The URL as bytes, since httpx would encode the path again.
    url = httpx.URL(host.base_url).copy_with(raw_path=target.encode())
    reply = await client.request(method, url, headers=headers, content=body)
    kept = {name: value for name, value in reply.headers.items() if name not in OF_THE_SERVER}
    return reply.status_code, reply.content.replace(url.netloc, b"host"), kept


@contextlib.asynccontextmanager
async def running(app: Path, *names: str, setting: Setting = DEFAULT) -> AsyncIterator[list[RunningHost]]:
    async with contextlib.AsyncExitStack() as stack:
        hosts = [host_kind(name).running(ServedApp(app), setting=setting) for name in names]
        yield list(await asyncio.gather(*map(stack.enter_async_context, hosts)))


@contextlib.asynccontextmanager
async def clients() -> AsyncIterator[httpx.AsyncClient]:
    """
    A client. It closes a connection that is idle long before a server does.

    Gunicorn closes it after 2 s, maybe just when the next request is sent on it.
    """
    limits = httpx.Limits(keepalive_expiry=0.5)
    async with httpx.AsyncClient(trust_env=False, verify=False, timeout=30, limits=limits) as client:
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hosts() -> AsyncIterator[dict[str, RunningHost]]:
    """The app on every host: servers with two processes of two threads, while the environment tells Gunicorn 32."""
    async with contextlib.AsyncExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("GUNICORN_CMD_ARGS", "--threads 32")
            servers = await stack.enter_async_context(running(APPS / "main", *THREADED, setting=SEVERAL))
            [sync] = await stack.enter_async_context(running(APPS / "main", "gunicorn:sync", setting=TWO_PROCESSES))
        [local] = await stack.enter_async_context(running(APPS / "main", "local"))
        yield {"local": local, "gunicorn:sync": sync, **dict(zip(THREADED, servers, strict=True))}


@pytest.mark.asyncio(loop_scope="module")
async def test_an_app_answers_the_same_on_every_host(hosts: dict[str, RunningHost]) -> None:
    async with clients() as client:
        for number, request in enumerate(REQUESTS):
            expected = await answered(client, hosts["local"], number)
            for name in SERVERS:
                assert await answered(client, hosts[name], number) == expected, (name, request[:2])


async def test_every_route_of_the_showcase_answers_the_same_on_a_server_of_each_interface() -> None:
    """All servers of an interface run the same code, whose answers are compared on each of them above."""
    async with running(SHOWCASE, "local", "gunicorn:gthread", "uvicorn") as (local, *servers), clients() as client:
        routes = [route.partition(" ") for route in await local.routes()]
        assert len(routes) > 10
        for method, _, path in routes:
            seen = []
            for host in (local, *servers):
                reply = await client.request(method, f"{host.base_url}{path}")
                kept = {name: value for name, value in reply.headers.items() if name not in OF_THE_SERVER}
                kept.pop("content-length", None)  # of a body with times in it
                # The probe describes the process that it runs in, and that of a WSGI server has no thread pool.
                keys = [] if path.endswith("concurrency-probe") else sorted(json_keys(reply.content))
                seen.append((reply.status_code, keys, kept))
            assert seen.count(seen[0]) == len(seen), (path, seen)


def json_keys(body: bytes) -> list[str]:
    """The keys of a document, since its values are times, ids and counts of one process."""
    document = json.loads(body) if body.startswith(b"{") else {}
    return list(document)


def ended_calls(host: RunningHost) -> Counter[str]:
    """The calls that each worker has ended, by its pid."""
    assert host.calls_folder is not None
    counts = read_call_pages(Path(host.calls_folder)).workers
    assert len(counts) == SEVERAL.process_count
    return Counter({pid: each.ended for pid, each in counts.items()})


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", SERVERS)
async def test_times_and_counts_of_calls_are_those_of_the_processes_that_serve(
    hosts: dict[str, RunningHost], name: str
) -> None:
    host, before = hosts[name], ended_calls(hosts[name])
    async with clients() as client:
        replies = [await client.get(f"{host.base_url}/api/sync/sleep?ms=20") for _ in range(12)]
    reported = [parse(reply.headers[WORKER], reply.headers["server-timing"]) for reply in replies]
    served = [reply.json()["pid"] for reply in replies]
    assert [each.pid for each in reported if each is not None] == served
    assert all(each is not None and each.kind == "def" and (each.service or 0) >= 20_000 for each in reported)
    assert ended_calls(host) - before == Counter(map(str, served))


async def test_key_is_asked_for_where_one_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUNCTUNE_FUNCTION_KEY", "k-1")
    async with running(SHOWCASE, "uvicorn") as (host,), clients() as client:
        assert (await client.get(f"{host.base_url}/api/sync/sleep?ms=1")).status_code == 200  # a load has no key
    for server in (["uvicorn", "functune.asgi:app", "--port"], ["gunicorn", "functune.wsgi:app", "--bind"]):
        async with deployed(*server) as url, clients() as client:
            assert (await client.get(f"{url}/api/sync/sleep?ms=1")).status_code == 401
            allowed = await client.get(f"{url}/api/sync/sleep?ms=1", headers={"x-functions-key": "k-1"})
            assert (allowed.status_code, (await client.get(f"{url}/health")).status_code) == (200, 200)


@contextlib.asynccontextmanager
async def deployed(program: str, target: str, flag: str) -> AsyncIterator[str]:
    """The showcase on a server as it is deployed; its base URL."""
    found: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def read(line: str) -> None:
        if (listens := re.search(r"(http://127\.0\.0\.1:\d+)", line)) and not found.done():
            found.set_result(listens[1])

    port = "0" if flag == "--port" else "127.0.0.1:0"
    server = await Program.start(
        *(sys.executable, "-m", program, target, flag, port), environ=dict(os.environ), on_line=read, cwd=SHOWCASE
    )
    try:
        async with asyncio.timeout(30):
            url = await found
        yield url
    finally:
        server.send(signal.SIGTERM)
        await server.ended()


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", THREADED)
async def test_thread_count_is_that_of_gthread_and_of_the_pool(hosts: dict[str, RunningHost], name: str) -> None:
    """Where the runtime has the pool, the threads of Gunicorn's own argument change nothing."""
    assert set((await threads_of(hosts[name], SEVERAL)).values()) == {SEVERAL.thread_count}


async def test_pool_is_that_of_the_runtime_also_where_gunicorn_has_one_thread() -> None:
    setting = Setting(thread_count=2)
    async with running(APPS / "main", "gunicorn:asgi", "gunicorn:uvicorn", setting=setting) as servers:
        for server in servers:
            assert list((await threads_of(server, setting)).values()) == [2]


async def threads_of(host: RunningHost, setting: Setting) -> dict[int, int]:
    """
    The threads that serve calls in each process, by its pid, once all of a setting have served one.

    Further calls come meanwhile, so a process with more threads would have used them.
    """
    url, seen = f"{host.base_url}/api/sync/sleep?ms=100", defaultdict[int, set[str]](set)
    async with asyncio.timeout(60), clients() as client:
        while len(seen) < setting.process_count or min(map(len, seen.values())) < setting.threads:
            calls = (client.get(url, headers={"connection": "close"}) for _ in range(8 * setting.process_count))
            for reply in await asyncio.gather(*calls):
                seen[reply.json()["pid"]].add(reply.json()["thread"])
    return {pid: len(threads) for pid, threads in seen.items()}


async def test_server_that_cannot_load_the_app_ends_with_the_lines_of_the_app(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    (tmp_path / "function_app.py").write_text("import os\n\nURL = os.environ['ORDERS_URL']\n")

    async def error_of(name: str) -> str:
        setting = TWO_PROCESSES if name in ("gunicorn:gthread", "uvicorn") else DEFAULT
        with pytest.raises(HostError, match="KeyError: 'ORDERS_URL'") as raised:
            async with host_kind(name).running(ServedApp(tmp_path), setting=setting):
                pytest.fail("it started")
        return str(raised.value)

    for name, error in zip(SERVERS, await asyncio.gather(*map(error_of, SERVERS)), strict=True):
        assert f'File "{tmp_path}/function_app.py", line 3' in error, name
        assert "Traceback" not in error, name


def test_knobs_that_a_server_lacks_and_unknown_classes_are_refused() -> None:
    with pytest.raises(UsageError, match="gunicorn:sync: thread_count is 4, which this host does not have"):
        host_kind("gunicorn:sync").require_settable([Setting(thread_count=4)], with_target=[])
    with pytest.raises(UsageError, match="uvicorn: per_instance_concurrency is 4"):
        host_kind("uvicorn").require_settable([Setting(per_instance_concurrency=4)], with_target=[])
    for argument, knob in (("--threads=4", "thread_count"), ("-w4", "process_count"), ("-k sync", "host")):
        setting = Setting(app_settings=(("GUNICORN_CMD_ARGS", f"--timeout 9 {argument}"),))
        with pytest.raises(UsageError, match=f"{argument[:2]}.* Gunicorn would ignore: it is set by {knob}"):
            host_kind("gunicorn:gthread").require_settable([setting], with_target=[])
    with pytest.raises(UsageError, match=r"WEB_CONCURRENCY.* set by process_count"):
        host_kind("uvicorn").require_settable([Setting(app_settings=(("WEB_CONCURRENCY", "4"),))], with_target=[])
    with pytest.raises(UsageError, match=r"gunicorn:eventlet: .* allowed: gunicorn:gthread, gunicorn:sync"):
        host_kind("gunicorn:eventlet")
    with pytest.raises(UsageError, match="--host 'uvicorn:x'"):
        host_kind("uvicorn:x")
