"""Worker processes started by hand: one that is too slow, and one that the system refuses to start."""

import asyncio
import io
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from functune.environ import child_environ
from functune.errors import WorkerStartError
from functune.host.console import Console
from functune.host.settings import WorkerSettings
from functune.host.supervisor import Supervisor
from functune.host.worker_process import WorkerProcess
from functune.packages.app_packages import find_app_packages
from functune.packages.worker_start import worker_start
from tests.host.serving import APPS, is_alive


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"startup_timeout": 0.25}, "did not become ready within 0.25 s"),
        ({"initialization_timeout": 0.5}, "did not become ready within 0.5 s"),
    ],
)
async def test_worker_that_is_too_slow_names_the_limit_it_broke(
    tmp_path: Path, limits: dict[str, float], expected: str
) -> None:
    """The first one never opens its stream, and the app of the second one never ends its import."""
    environ = child_environ({"STAGES": str(tmp_path)})
    start = worker_start(find_app_packages(APPS / "staged"), report=print)
    if "startup_timeout" in limits:
        start = replace(start, python=script(tmp_path / "python", "exec sleep 600"))
    worker = WorkerProcess(
        7,
        script_root=APPS / "staged",
        settings=WorkerSettings(process_count=1, environ=environ, startup_interval=0, **limits),
        start=start,
        console=Console(verbose=True, stream=io.StringIO()),
    )
    with pytest.raises(WorkerStartError, match=rf"worker 7 \(pid \d+\) {expected}"):
        await worker.start()
    worker.kill()
    await worker.ended()
    assert not worker.is_ready
    assert not is_alive(worker.pid)


def script(path: Path, text: str) -> Path:
    """A program for the shell."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


async def test_worker_that_the_system_refuses_is_an_error_and_the_other_serves(tmp_path: Path) -> None:
    """The interpreter of the first worker removes itself, so that of the second is missing."""
    start = worker_start(find_app_packages(APPS / "loops"), report=print)
    python = script(tmp_path / "python", f'rm "$0"\nexec {shlex.quote(str(start.python))} "$@"')
    said = io.StringIO()
    supervisor = Supervisor(
        script_root=APPS / "loops",
        settings=WorkerSettings(process_count=2, environ=child_environ({}), startup_interval=0),
        start=replace(start, python=python),
        console=Console(verbose=False, stream=said),
    )
    try:
        await supervisor.start()
        async with asyncio.timeout(60):
            await supervisor.choose()
        assert len(supervisor.ready_pids) == 1
        assert f"Failed to start worker 2: worker 2 cannot be started with {python}: " in said.getvalue()
    finally:
        await supervisor.stop()
