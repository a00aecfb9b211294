"""The command of App Service, run here: its defaults, its settings, its times, and folders that it does not start."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from bench.disturbed import until
from functune.errors import UsageError
from functune.hosts.configured import server_setting
from functune.hosts.fitting import app_on_host, fitting_host
from functune.hosts.kinds import RunningHost
from functune.hosts.registry import host_kind
from functune.hosts.served_app import ServedApp
from functune.load.host_calls import read_call_pages
from functune.setting import Setting
from functune.timing.header import WORKER, parse
from tests.app_service.folders import deployed_folder

APPS = Path(__file__).parent / "apps"
FLASK, FASTAPI = ServedApp(APPS / "platform_flask"), ServedApp(APPS / "platform_fastapi")
FUNCTIONS = ServedApp(APPS.parents[1] / "host" / "apps" / "main")


@contextlib.asynccontextmanager
async def running(
    app: ServedApp, setting: Setting | None = None
) -> AsyncIterator[tuple[RunningHost, httpx.AsyncClient]]:
    kind = host_kind(fitting_host("app-service", app, python=None))
    async with (
        kind.running(app, setting=setting or Setting()) as host,
        httpx.AsyncClient(base_url=host.base_url, trust_env=False, verify=False, timeout=30) as client,
    ):
        yield host, client


async def texts(client: httpx.AsyncClient, path: str, count: int) -> list[str]:
    """The answers to requests that are sent at the same time."""
    headers = {"connection": "close"}
    return [each.text for each in await asyncio.gather(*(client.get(path, headers=headers) for _ in range(count)))]


async def test_defaults_are_one_process_with_one_thread_and_the_arguments_of_the_platform() -> None:
    async with running(FLASK) as (host, client):
        assert len(set(await texts(client, "/thread", 8))) == 1
        arguments = (await client.get("/arguments")).text
        assert arguments.startswith("--timeout 600 --access-logfile '-' --error-logfile '-' -c python:")
        assert "--workers" not in arguments
        assert (await client.get("/port")).text == "8000"
        assert host.base_url.startswith("http://127.0.0.1:")
        assert "Using worker: sync" in host.tail(200)
        await until(lambda: '"GET /arguments HTTP/1.1" 200' in host.tail(200))  # the platform has an access log


@pytest.mark.parametrize(
    ("setting", "processes", "threads"),
    [(Setting(process_count=2), 2, 2), (Setting(process_count=2, thread_count=3), 2, 6)],
)
async def test_setting_is_that_of_the_platforms_app_settings(setting: Setting, processes: int, threads: int) -> None:
    """
    Sixty answers of 20 ms come from every worker and every thread.

    On a busy machine one worker may accept all of the connections: then it is asked again.
    """
    async with running(FLASK, setting) as (host, client), asyncio.timeout(60):
        seen: set[str] = set()
        while len(seen) < threads:
            seen |= set(await texts(client, "/thread", 60))
        assert len({each.partition("-")[0] for each in seen}) == processes
        assert len(seen) == threads
        assert host.calls_folder is not None
        assert len(read_call_pages(Path(host.calls_folder)).workers) == processes


async def test_times_are_reported_by_the_middleware() -> None:
    async with running(FLASK) as (_, client):
        reply = await client.get("/pid")
        reported = parse(reply.headers[WORKER], reply.headers["server-timing"])
        assert reported is not None
        assert (str(reported.pid), reported.kind) == (reply.text, "def")
        assert (reported.service or 0) >= 20_000


async def test_fastapi_runs_on_uvicorns_workers_where_the_platform_finds_it() -> None:
    async with running(FASTAPI, Setting(process_count=2)) as (host, client):
        # Before the calls: each has a line in the log, of which the last 200 are kept.
        assert "Using worker: uvicorn_worker.UvicornWorker" in host.tail(200)
        answered: set[str] = set()
        async with asyncio.timeout(60):
            while len(answered) < 2:  # on a busy machine one process may accept forty connections in a row
                answered |= set(await texts(client, "/", 40))
        assert len(answered) == 2


def test_host_and_app_are_those_that_the_platform_finds() -> None:
    assert fitting_host("app-service", FLASK, python=None) == "app-service"
    assert fitting_host("app-service", FASTAPI, python=None) == "app-service:fastapi"
    assert app_on_host(FASTAPI, "app-service", python=None).entry == "main:app"
    assert app_on_host(FLASK, "gunicorn", python=None) == FLASK


@pytest.mark.parametrize(
    ("files", "entry", "said"),
    [
        ({"main.py": "app = None\n"}, None, "starts its default page for .* There is none of application.py"),
        ({"app.py": "app = None\n", "web.py": ""}, "web:app", "starts app:app for this folder: app.py is one of"),
        ({"app.py": "async def app(scope, receive, send):\n    pass\n"}, None, "sync workers, and it is an ASGI app"),
    ],
)
def test_folder_that_the_platform_does_not_start_is_refused(
    tmp_path: Path, files: dict[str, str], entry: str | None, said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        fitting_host("app-service", ServedApp(deployed_folder(tmp_path, files), entry), python=None)


def test_function_app_needs_a_command_of_ones_own() -> None:
    with pytest.raises(UsageError, match="starts its default page"):
        fitting_host("app-service", FUNCTIONS, python=None)


def test_settings_of_the_start_are_refused_and_present_ones_are_read() -> None:
    named = Setting(app_settings=(("PYTHON_ENABLE_GUNICORN_MULTIWORKERS", "true"),))
    with pytest.raises(UsageError, match="which this host sets itself: use process_count and thread_count"):
        host_kind("app-service").require_settable([named], with_target=[])
    many = {
        "PYTHON_ENABLE_GUNICORN_MULTIWORKERS": "true",
        "PYTHON_GUNICORN_CUSTOM_WORKER_NUM": "4",
        "WEB_CONCURRENCY": "9",
    }
    assert server_setting("app-service", FLASK, many) == Setting(process_count=4, thread_count=1, host="app-service")
    assert server_setting("app-service", FLASK, {}).process_count == 1
    recommended = Setting(process_count=3, thread_count=8, host="app-service").settings_to_set()
    assert recommended == {
        "PYTHON_ENABLE_GUNICORN_MULTIWORKERS": "true",
        "PYTHON_GUNICORN_CUSTOM_WORKER_NUM": "3",
        "PYTHON_GUNICORN_CUSTOM_THREAD_NUM": "8",
    }
