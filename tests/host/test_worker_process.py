"""One worker process, started by hand: what is said when it is too slow."""

import io
from pathlib import Path

import pytest

from functune.environ import child_environ
from functune.errors import WorkerStartError
from functune.host.console import Console
from functune.host.settings import WorkerSettings
from functune.host.worker_process import WorkerProcess
from functune.packages.app_packages import find_app_packages
from functune.packages.worker_start import worker_start
from tests.host.serving import APPS, is_alive


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"startup_timeout": 0.001}, "did not become ready within 0.001 s"),
        ({"initialization_timeout": 0.5}, "did not become ready within 0.5 s"),
    ],
)
async def test_worker_that_is_too_slow_names_the_limit_it_broke(
    tmp_path: Path, limits: dict[str, float], expected: str
) -> None:
    """The app of the second one never ends its import."""
    environ = child_environ({"STAGES": str(tmp_path)})
    worker = WorkerProcess(
        7,
        script_root=APPS / "staged",
        settings=WorkerSettings(process_count=1, environ=environ, startup_interval=0, **limits),
        start=worker_start(find_app_packages(APPS / "staged"), report=print),
        console=Console(verbose=True, stream=io.StringIO()),
    )
    with pytest.raises(WorkerStartError, match=rf"worker 7 \(pid \d+\) {expected}"):
        await worker.start()
    worker.kill()
    await worker.ended()
    assert not worker.is_ready
    assert not is_alive(worker.pid)
