"""The local host as a child process: a host for one setting, ended without a trace."""

import asyncio
import subprocess
import sys
from pathlib import Path

import httpx
import psutil
import pytest

from functune.errors import HostError
from functune.hosts.local import LOCAL_HOST
from functune.hosts.served_app import ServedApp
from functune.setting import Setting
from tests.host.serving import APPS, is_alive, wait_until

COUNTS = "PYTHON_THREADPOOL_THREAD_COUNT=1&FUNCTUNE_THREAD_COUNT_SOURCE=1&EXTRA=1"


async def test_host_process_serves_with_its_setting_and_ends_without_a_trace() -> None:
    async with LOCAL_HOST.running(
        ServedApp(APPS / "main"), setting=Setting(thread_count=3, process_count=2), app_settings={"EXTRA": "given"}
    ) as host:
        async with httpx.AsyncClient(base_url=host.base_url, trust_env=False, verify=False, timeout=20) as client:
            workers = (await client.get("/admin/host/status")).json()["workers"]
            environ = (await client.get(f"/api/environ?{COUNTS}")).json()
        assert workers["ready"] == 2
        assert list(environ.values()) == ["3", "app setting", "given"]
        assert is_alive(host.pid)
        assert host.quota is None  # its setting names no instance
    assert not any(is_alive(pid) for pid in (host.pid, *workers["pids"]))


async def test_host_process_without_thread_count_hides_the_one_of_local_settings(tmp_path: Path) -> None:
    for name in ("function_app.py", "host.json"):
        (tmp_path / name).write_text((APPS / "main" / name).read_text())
    (tmp_path / "local.settings.json").write_text(
        '{"IsEncrypted": false, "Values": {"PYTHON_THREADPOOL_THREAD_COUNT": "8"}}'
    )
    async with (
        LOCAL_HOST.running(ServedApp(tmp_path), setting=Setting()) as host,
        httpx.AsyncClient(base_url=host.base_url, trust_env=False, verify=False, timeout=20) as client,
    ):
        environ = (await client.get(f"/api/environ?{COUNTS}")).json()
    assert list(environ.values()) == ["1000", "host default", None]


async def test_host_process_ends_without_waiting_for_calls_in_flight() -> None:
    """A load generator leaves calls behind; draining them, for up to 10 s, would hold up every trial of a sweep."""
    host = LOCAL_HOST.running(ServedApp(APPS.parents[2]), setting=Setting(thread_count=1))
    async with httpx.AsyncClient(trust_env=False, verify=False, timeout=60) as client:
        async with host:
            slow = asyncio.create_task(client.get(f"{host.base_url}/api/sync/sleep?ms=8000"))
            async with asyncio.timeout(20):
                while (await in_flight(client, host.base_url)) == 0:
                    pass
        assert not is_alive(host.pid)
        with pytest.raises(httpx.HTTPError):  # a host that drains would have answered it
            (await slow).raise_for_status()


def test_host_process_ends_with_a_program_that_is_killed() -> None:
    """A sweep ended by SIGKILL can stop nothing itself."""
    script = f"""
import asyncio, httpx, pathlib
from functune.hosts.local import LOCAL_HOST
from functune.hosts.served_app import ServedApp
from functune.setting import Setting

async def main():
    app = pathlib.Path({str(APPS / "main")!r})
    async with LOCAL_HOST.running(ServedApp(app), setting=Setting(thread_count=1, process_count=2)) as host:
        status = httpx.get(f"{{host.base_url}}/admin/host/status", trust_env=False, verify=False, timeout=30)
        print(host.pid, *status.json()["workers"]["pids"], flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        try:
            pids = [int(pid) for pid in program.stdout.readline().split()]
            assert len(pids) == 3
            assert all(is_alive(pid) for pid in pids)
        finally:
            program.kill()
    wait_until(lambda: not any(is_alive(pid) for pid in pids), "the end of host and workers")


async def test_host_process_is_gone_also_where_its_stop_is_cancelled() -> None:
    """A search that is over in time cancels whatever it is doing, and then its event loop ends."""
    host = LOCAL_HOST.running(ServedApp(APPS / "main"), setting=Setting())
    await host.__aenter__()
    stopping = asyncio.create_task(host.__aexit__(None, None, None))
    await asyncio.sleep(0)
    stopping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopping
    assert not psutil.pid_exists(host.pid)


async def in_flight(client: httpx.AsyncClient, base_url: str) -> int:
    """Calls that the worker has in hand, other than this one."""
    probe = (await client.get(f"{base_url}/api/concurrency-probe")).json()
    return int(probe["invocations"]["inFlight"]) - 1


async def test_host_process_that_cannot_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "function_app.py").write_text("raise KeyError('the reason')")
    host = LOCAL_HOST.running(ServedApp(tmp_path), setting=Setting(thread_count=1))
    with pytest.raises(
        HostError, match=r"^the local host could not start: the app in .* KeyError: 'the reason'"
    ) as raised:
        async with host:
            pass
    assert str(raised.value).count("KeyError") == 2, "in the message, and in the line of the app that raises it"
    assert not is_alive(host.pid)
