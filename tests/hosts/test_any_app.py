"""WSGI and ASGI apps on Gunicorn and Uvicorn: their answers, their times, and what is said where they cannot run."""

import asyncio
import contextlib
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from functune.errors import HostError, UsageError
from functune.hosts.described import describe_app
from functune.hosts.fitting import fitting_host
from functune.hosts.kinds import RunningHost
from functune.hosts.program import Program
from functune.hosts.registry import host_kind
from functune.hosts.served_app import ServedApp
from functune.load.host_calls import read_call_pages
from functune.setting import Setting
from functune.timing.header import WORKER, parse

APPS = Path(__file__).parent / "apps"
WSGI, ASGI = ServedApp(APPS / "plain_wsgi", "src.app:app"), ServedApp(APPS / "plain_asgi", "src.app:create_app('app')")
ON = {"gunicorn:gthread": WSGI, "gunicorn:sync": WSGI, "gunicorn:asgi": ASGI, "gunicorn:uvicorn": ASGI, "uvicorn": ASGI}
PLAIN = {
    "gunicorn:gthread": ["gunicorn", "--worker-class", "gthread", "--bind", "127.0.0.1:0", "src.app:app"],
    "gunicorn:sync": ["gunicorn", "--bind", "127.0.0.1:0", "src.app:app"],
    "gunicorn:asgi": ["gunicorn", "--worker-class", "asgi", "--bind", "127.0.0.1:0", "src.app:app"],
    "gunicorn:uvicorn": ["gunicorn", "-k", "uvicorn_worker.UvicornWorker", "--bind", "127.0.0.1:0", "src.app:app"],
    "uvicorn": ["uvicorn", "--port", "0", "src.app:app"],
}
"""The same servers without functune."""
REQUESTS = (
    b"GET /plain HTTP/1.1\r\n",
    b"HEAD /plain HTTP/1.1\r\n",
    b"GET /twice HTTP/1.1\r\n",
    b"GET /written HTTP/1.1\r\n",
    b"GET /streamed HTTP/1.1\r\n",
    b"GET /file HTTP/1.1\r\n",
    b"GET /boom HTTP/1.1\r\n",
    b"GET /nowhere HTTP/1.1\r\n",
    b"GET /plain HTTP/1.0\r\n",
    b"POST /echo HTTP/1.1\r\ncontent-length: 3\r\n",
    b"POST /echo HTTP/1.1\r\ntransfer-encoding: chunked\r\n",
)
BODIES = {b"content-length": b"a\x00b", b"transfer-encoding": b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"}
_ADDED = re.compile(rb"(?:date|server-timing|x-functune-worker): [^\r]*\r\n", re.IGNORECASE)


@contextlib.asynccontextmanager
async def plain(name: str) -> AsyncIterator[str]:
    """The app on its server without functune; the base URL."""
    found: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def read(line: str) -> None:
        if (listens := re.search(r"(http://127\.0\.0\.1:\d+)", line)) and not found.done():
            found.set_result(listens[1])

    command = [sys.executable, "-m", *PLAIN[name]]
    server = await Program.start(*command, environ=dict(os.environ), on_line=read, cwd=ON[name].folder)
    try:
        async with asyncio.timeout(30):
            url = await found
        yield url
    finally:
        server.send(signal.SIGTERM)
        await server.ended()


@contextlib.asynccontextmanager
async def running(app: ServedApp, name: str, setting: Setting | None = None) -> AsyncIterator[RunningHost]:
    async with host_kind(name).running(app, setting=setting or Setting()) as host:
        yield host


async def raw_answer(url: str, head: bytes) -> bytes:
    """The bytes of an answer, without the headers that may differ."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    body = next((content for name, content in BODIES.items() if name in head), b"")
    writer.write(head + b"host: x\r\nconnection: close\r\n\r\n" + body)
    async with asyncio.timeout(30):
        answer = await reader.read()
    writer.close()
    return _ADDED.sub(b"", answer)


@pytest.mark.parametrize("name", ON)
async def test_answers_counts_and_times_are_those_of_the_server_and_the_processes_that_serve(name: str) -> None:
    """The answers are byte for byte those of the server alone."""
    async with (
        running(ON[name], name, Setting(process_count=2)) as host,
        httpx.AsyncClient(trust_env=False, verify=False, timeout=30) as client,
    ):
        replies = [await client.get(f"{host.base_url}/pid", headers={"connection": "close"}) for _ in range(12)]
        reported = [parse(reply.headers[WORKER], reply.headers["server-timing"]) for reply in replies]
        served = [int(reply.text) for reply in replies]
        assert [each.pid for each in reported if each is not None] == served
        kind = "def" if ON[name] is WSGI else "async"
        assert all(each is not None and each.kind == kind and (each.service or 0) >= 15_000 for each in reported)
        assert host.calls_folder is not None
        counts = read_call_pages(Path(host.calls_folder)).workers
        assert len(counts) == 2
        assert {pid: each.ended for pid, each in counts.items() if each.ended} == {
            str(pid): served.count(pid) for pid in set(served)
        }
        async with plain(name) as url:
            for request in REQUESTS:
                expected = await raw_answer(url, request)
                assert expected.startswith(b"HTTP/1."), request
                assert await raw_answer(host.base_url, request) == expected, request


async def test_threads_of_the_app_s_own_configuration_do_not_change_the_setting(tmp_path: Path) -> None:
    """Eight calls at a time would use eight threads. On a busy machine fewer of them may meet: then more are sent."""
    (tmp_path / "src").symlink_to(WSGI.folder / "src")
    (tmp_path / "gunicorn.conf.py").write_text("threads = 8\n")
    for count, expected in ((None, 1), (2, 2)):
        async with (
            running(ServedApp(tmp_path, WSGI.entry), "gunicorn:gthread", Setting(thread_count=count)) as host,
            httpx.AsyncClient(trust_env=False, verify=False, timeout=30) as client,
        ):
            threads: set[int] = set()
            async with asyncio.timeout(60):
                while len(threads) < expected:
                    replies = await asyncio.gather(
                        *(client.get(f"{host.base_url}/pid", headers={"connection": "close"}) for _ in range(8))
                    )
                    reported = (parse(reply.headers[WORKER], None) for reply in replies)
                    threads |= {each.thread for each in reported if each is not None}
            assert len(threads) == expected


async def test_workers_of_an_app_that_is_loaded_before_them_count_their_own_calls(tmp_path: Path) -> None:
    (tmp_path / "src").symlink_to(WSGI.folder / "src")
    (tmp_path / "gunicorn.conf.py").write_text("preload_app = True\n")
    async with (
        running(ServedApp(tmp_path, WSGI.entry), "gunicorn:gthread", Setting(process_count=2)) as host,
        httpx.AsyncClient(trust_env=False, verify=False, timeout=30) as client,
    ):
        served = {(await client.get(f"{host.base_url}/pid", headers={"connection": "close"})).text for _ in range(12)}
        assert host.calls_folder is not None
        counted = read_call_pages(Path(host.calls_folder)).workers
        assert len(counted) == 2
        assert served <= counted.keys()


@pytest.mark.parametrize("name", ON)
async def test_app_that_fails_in_a_worker_ends_the_server_with_its_own_lines(name: str, tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "app.py").write_text("import os\n\nURL = os.environ['ORDERS_URL']\n")
    host = host_kind(name).running(ServedApp(tmp_path, "src.app:app"), setting=Setting(process_count=2))
    with pytest.raises(HostError, match="KeyError: 'ORDERS_URL'") as raised:
        async with host:
            pytest.fail("it started")
    assert f'File "{tmp_path}/src/app.py", line 3' in str(raised.value)
    assert "Traceback" not in str(raised.value)


def test_class_of_workers_follows_from_the_interface_of_the_app() -> None:
    function_app = ServedApp(APPS)
    assert fitting_host(None, WSGI, python=None) == fitting_host("gunicorn", WSGI, python=None) == "gunicorn:gthread"
    assert fitting_host(None, ASGI, python=None) == fitting_host("gunicorn", ASGI, python=None) == "gunicorn:asgi"
    assert fitting_host("gunicorn:sync", WSGI, python=None) == "gunicorn:sync"
    assert fitting_host("uvicorn", ASGI, python=None) == "uvicorn"
    assert [fitting_host(host, function_app, python=None) for host in (None, "gunicorn", "func", "uvicorn")] == [
        "local",
        "gunicorn:gthread",
        "func",
        "uvicorn",
    ]


def test_host_that_does_not_fit_is_refused_before_anything_starts() -> None:
    said = r"is an ASGI app; gunicorn:gthread serves WSGI: use --host gunicorn:asgi or gunicorn:uvicorn or uvicorn"
    with pytest.raises(UsageError, match=said):
        fitting_host("gunicorn:gthread", ASGI, python=None)
    with pytest.raises(UsageError, match="is a WSGI app; uvicorn serves ASGI: use --host gunicorn:gthread or gunicorn"):
        fitting_host("uvicorn", WSGI, python=None)
    for host in ("local", "func", "https://my-app.azurewebsites.net"):
        with pytest.raises(UsageError, match=f"src.app:app with --host {host}: allowed are gunicorn and uvicorn"):
            fitting_host(host, WSGI, python=None)


def test_functions_hosts_refuse_an_app_that_is_no_function_app() -> None:
    with pytest.raises(UsageError, match=r"--host local runs function apps: src\.app:app needs --host gunicorn"):
        host_kind("local").running(WSGI, setting=Setting())


def test_routes_of_an_app_are_those_that_its_framework_lists(tmp_path: Path) -> None:
    (tmp_path / "web.py").write_text(
        "from types import SimpleNamespace as Made\n"
        "async def app(scope, receive, send): ...\n"
        "app.routes = [Made(path='/orders/{id}', endpoint=1, methods={'GET', 'HEAD'}), Made(path='/', routes=[])]\n"
        "print('importing')\n"
    )
    assert describe_app(ServedApp(tmp_path, "web:app"), None) == ("asgi", ("GET /orders/{id}",))


def test_missing_package_is_said_with_the_places_and_the_flags(tmp_path: Path) -> None:
    (tmp_path / "web.py").write_text("import no_such_package\n")
    with pytest.raises(HostError, match="No module named 'no_such_package'") as raised:
        describe_app(ServedApp(tmp_path, "web:app"), None)
    assert f'File "{tmp_path}/web.py", line 1' in str(raised.value)
    assert f"{tmp_path}/.venv: no such folder" in str(raised.value)
    assert "--install installs those of requirements.txt" in str(raised.value)
