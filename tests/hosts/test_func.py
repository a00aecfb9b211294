"""``func start`` as a host: a stand-in really run, and Core Tools themselves where they are installed."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import psutil
import pytest

from functune.errors import HostError, UsageError, WorkerStartError
from functune.hosts.func import CoreTools, worker_pids
from functune.hosts.served_app import ServedApp
from functune.probe.app import probe_app
from functune.setting import Setting
from tests.host.serving import APPS, is_alive, wait_until
from tests.hosts.func_on_path import install_stand_in
from tests.packages.places import make_environment

ROOT = Path(__file__).parents[2]
SETTINGS = "PYTHON_THREADPOOL_THREAD_COUNT=1&PYTHON_ENABLE_DEBUG_LOGGING=1&AzureFunctionsJobHost__fileWatchingEnabled=1"


def below(pid: int) -> list[int]:
    """The process and all below it."""
    return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CoreTools:
    """The stand-in, behaving well, in a shell without an activated environment."""
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    install_stand_in(tmp_path / "bin", monkeypatch)
    return CoreTools.installed()


async def test_func_serves_with_all_its_workers_and_ends_without_a_trace(tools: CoreTools) -> None:
    assert tools.name == "Azure Functions Core Tools 4.14.0"
    async with tools.running(ServedApp(APPS / "main"), setting=Setting(thread_count=3, process_count=3)) as host:
        async with httpx.AsyncClient(base_url=host.base_url, trust_env=False, verify=False, timeout=20) as client:
            environ = (await client.get(f"/api/environ?{SETTINGS}")).json()
            answering = {(await client.get("/api/sync/sleep")).json()["pid"] for _ in range(3)}
        assert list(environ.values()) == ["3", "0", "false"]
        assert len(answering) == 3
        running = below(host.pid)
        assert answering < set(running)
        assert len(worker_pids(host.pid)) == 3
    # The kernel kills the worker of each host with that host, and takes its time.
    wait_until(lambda: not any(is_alive(pid) for pid in running), "the end of func and its workers")


@pytest.mark.parametrize("in_file", ["8", ""])
async def test_func_with_threads_unset_has_what_its_host_makes_of_that(
    tools: CoreTools, tmp_path: Path, in_file: str
) -> None:
    """An empty variable hides no value in local.settings.json from func."""
    for name in ("function_app.py", "host.json"):
        (tmp_path / name).write_text((APPS / "main" / name).read_text())
    values = {"PYTHON_THREADPOOL_THREAD_COUNT": in_file, "FUNCTIONS_WORKER_PROCESS_COUNT": "2"}
    (tmp_path / "local.settings.json").write_text(json.dumps({"IsEncrypted": False, "Values": values}))
    async with (
        tools.running(ServedApp(tmp_path), setting=Setting()) as host,
        httpx.AsyncClient(base_url=host.base_url, trust_env=False, verify=False, timeout=20) as client,
    ):
        environ = (await client.get(f"/api/environ?{SETTINGS}")).json()
        assert len(worker_pids(host.pid)) == 1
    assert environ["PYTHON_THREADPOOL_THREAD_COUNT"] == "1000"


async def test_func_takes_the_python_of_the_app(tools: CoreTools, tmp_path: Path) -> None:
    for name in ("function_app.py", "host.json"):
        (tmp_path / name).write_text((APPS / "main" / name).read_text())
    make_environment(tmp_path / ".venv")
    async with (
        tools.running(ServedApp(tmp_path), setting=Setting(thread_count=1)) as host,
        httpx.AsyncClient(base_url=host.base_url, trust_env=False, verify=False, timeout=20) as client,
    ):
        environ = (await client.get("/api/environ?PATH=1")).json()
    assert environ["PATH"].startswith(f"{tmp_path / '.venv' / 'bin'}:")


async def test_func_takes_another_port_when_the_first_is_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_stand_in(tmp_path / "bin", monkeypatch, f"busy:{tmp_path / 'refused'}")
    async with CoreTools.installed().running(ServedApp(APPS / "main"), setting=Setting(thread_count=1)) as host:
        assert (tmp_path / "refused").exists()
        assert len(worker_pids(host.pid)) == 1


async def test_func_that_cannot_start_says_why(tools: CoreTools, tmp_path: Path) -> None:
    (tmp_path / "function_app.py").write_text("raise KeyError('the reason')")
    host = tools.running(ServedApp(tmp_path), setting=Setting(thread_count=1))
    with pytest.raises(HostError, match=r"could not start; its last lines:(.|\n)*Initializing worker process failed"):
        async with host:
            pass
    assert not is_alive(host.pid)


async def test_func_that_answers_to_be_in_error_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_stand_in(tmp_path / "bin", monkeypatch, "error")
    host = CoreTools.installed().running(ServedApp(APPS / "main"), setting=Setting(thread_count=1))
    with pytest.raises(HostError, match="host is in error: the reason"):
        async with host:
            pass


async def test_func_without_all_its_workers_is_not_taken_for_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_stand_in(tmp_path / "bin", monkeypatch, "missing")
    found = CoreTools.installed()
    tools = CoreTools(found.executable, "4.14.0", start_timeout=24, next_worker_timeout=1)
    host = tools.running(ServedApp(APPS / "main"), setting=Setting(thread_count=1, process_count=2))
    with pytest.raises(WorkerStartError, match=r"within 25 s: of 2 worker processes 1 ran, with 1 line"):
        async with host:
            pass
    assert not is_alive(host.pid)


async def test_func_that_does_not_heed_ctrl_c_is_killed_with_its_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_stand_in(tmp_path / "bin", monkeypatch, "deaf")
    found = CoreTools.installed()
    tools = CoreTools(found.executable, "4.14.0", stop_timeout=0.5)
    async with tools.running(ServedApp(APPS / "main"), setting=Setting(thread_count=1, process_count=2)) as host:
        running = below(host.pid)
        assert len(running) > 5  # the guard, func, and two workers that are two processes each
    wait_until(lambda: not any(is_alive(pid) for pid in running), "the end of func and its workers")


def test_func_ends_with_a_program_that_is_killed(tools: CoreTools) -> None:
    """A sweep ended by SIGKILL can stop nothing itself, and func starts others."""
    script = f"""
import asyncio, pathlib
from functune.hosts.func import CoreTools
from functune.hosts.served_app import ServedApp
from functune.setting import Setting

async def main():
    tools = CoreTools.installed()
    app = pathlib.Path({str(APPS / "main")!r})
    async with tools.running(ServedApp(app), setting=Setting(thread_count=1, process_count=2)) as host:
        print(host.pid, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        try:
            running = below(int(program.stdout.readline()))
            assert len(running) > 5
        finally:
            program.kill()
    wait_until(lambda: not any(is_alive(pid) for pid in running), "the end of func and its workers")


def test_time_left_knows_the_pauses_between_workers(tools: CoreTools) -> None:
    assert tools.seconds(Setting(process_count=10)) - tools.seconds(Setting(process_count=2)) == 80


def test_guard_passes_on_the_exit_code_of_its_program() -> None:
    for code, command in ((3, "exit 3"), (128 + signal.SIGTERM, "kill -TERM $$")):
        guard = [sys.executable, "-P", "-m", "functune.hosts.guard", "sh", "-c", command]
        with subprocess.Popen(guard, stdin=subprocess.PIPE, start_new_session=True) as running:
            assert running.wait(30) == code


def test_guard_refuses_to_end_a_group_that_is_not_its_own() -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "functune.hosts.guard", "true"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "must lead a process group of its own" in done.stderr


def test_func_that_is_not_installed_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match=r"no func on the PATH; install .* 4 \(npm: .*apt: .*brew: .*--host local"):
        CoreTools.installed()


def test_func_of_another_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_stand_in(tmp_path / "bin", monkeypatch, "old")
    with pytest.raises(UsageError, match=r"said '3.0.5682', not a version 4; install"):
        CoreTools.installed()


@pytest.mark.skipif(
    shutil.which("func") is None, reason="Azure Functions Core Tools are not installed: no func on the PATH"
)
@pytest.mark.parametrize(("thread_count", "process_count"), [(4, 1), (4, 3)])
async def test_core_tools_themselves_serve_with_the_setting(thread_count: int, process_count: int) -> None:
    tools = CoreTools.installed()
    async with tools.running(
        ServedApp(ROOT), setting=Setting(thread_count=thread_count, process_count=process_count)
    ) as host:
        running = below(host.pid)
        report = await probe_app(host.base_url)
    assert list(report.threads.values()) == [thread_count] * process_count
    assert report.disagreements == []
    wait_until(lambda: not any(is_alive(pid) for pid in running), "the end of func and its workers")
