"""Packages from the index: the pins of an app that clash with those of functune, and those of a worker."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from functune.host.console import Console
from functune.host.settings import read_host_settings
from functune.host.worker_process import WorkerProcess
from functune.packages.app_packages import find_app_packages
from functune.packages.interpreter import own_interpreter
from functune.packages.worker_environment import environment_folders, installed_worker_environment
from functune.packages.worker_start import WorkerStart
from tests.host.serving import APPS, Serving
from tests.packages.places import copied_app

pytestmark = [pytest.mark.network, pytest.mark.usefixtures("index")]


@pytest.mark.parametrize("installer", ["pip", "uv"])
def test_pins_that_clash_with_those_of_functune_are_installed_and_used(tmp_path: Path, installer: str) -> None:
    app = copied_app(tmp_path / "app")
    (app / "requirements.txt").write_text("azure-functions==1.23.0\nhttpx==0.27.2\n")
    path = [folder for folder in os.get_exec_path() if not (Path(folder) / "uv").exists()]
    if installer == "uv":
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(tmp_path / "tools"), "uv"]
        subprocess.run(pip, check=True, timeout=300)
        path.insert(0, str(tmp_path / "tools" / "bin"))
    with Serving(app, "--install", XDG_CACHE_HOME=str(tmp_path), PATH=os.pathsep.join(path)) as host:
        found = host.ready().get("/api/versions?azure.functions=1&httpx=1").json()
        assert host.get("/api/modules?flask=1&locust=1").json() == {"flask": None, "locust": None}
    assert found == {"azure.functions": "1.23.0", "httpx": "0.27.2"}


async def test_worker_of_another_abi_gets_its_packages_from_the_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made here for this interpreter, since a machine rarely has two that are new enough."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    interpreter = own_interpreter()
    worker = environment_folders(installed_worker_environment(interpreter, report=print), interpreter)
    start = WorkerStart(
        app=find_app_packages(APPS / "main"),
        python=worker.python,
        packages=(),
        offered=worker.offered,
        own=worker.own,
        variables={},
    )
    settings = read_host_settings(script_root=APPS / "main").worker
    process = WorkerProcess(
        1, script_root=APPS / "main", settings=settings, start=start, console=Console(verbose=False)
    )
    await process.start()
    functions = await process.functions()
    process.kill()
    await process.ended()
    assert functions
    assert worker.own.is_relative_to(tmp_path)
    assert not (worker.own / "msgspec").is_symlink()
