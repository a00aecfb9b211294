"""Packages from the index: the pins of an app that clash with those of functune, and those of a worker."""

import os
import re
from pathlib import Path

import pytest
from uv import find_uv_bin

from functune.errors import InstallError
from functune.host.console import Console
from functune.host.settings import read_host_settings
from functune.host.worker_process import WorkerProcess
from functune.packages.app_packages import find_app_packages
from functune.packages.install import installed_environment
from functune.packages.interpreter import own_interpreter
from functune.packages.worker_environment import environment_folders, installed_worker_environment
from functune.packages.worker_start import WorkerStart
from tests.host.serving import APPS, Serving
from tests.packages.places import after_installing, copied_app

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.network, pytest.mark.usefixtures("index")]


def path_with(installer: str) -> str:
    """PATH with uv, or without it, where pip installs."""
    path = [folder for folder in os.get_exec_path() if not (Path(folder) / "uv").exists()]
    return os.pathsep.join([str(Path(find_uv_bin()).parent), *path] if installer == "uv" else path)


@pytest.mark.parametrize("installer", ["pip", "uv"])
def test_locked_file_is_installed_and_another_file_of_a_package_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, installer: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", path_with(installer))
    locked = (ROOT / "requirements.txt").read_text()
    file = tmp_path / "requirements.txt"
    file.write_text("\n".join(re.findall(r"(?m)^(?:idna|h11)==.*(?:\n +--hash.*)+", locked)))
    made = installed_environment(tmp_path, own_interpreter(), report=print)
    folder = made.site_packages(own_interpreter().library)
    assert {"idna", "h11"} <= {entry.name for entry in folder.iterdir()}
    file.write_text(re.sub(r"sha256:\w+", f"sha256:{'0' * 64}", file.read_text()))
    with pytest.raises(InstallError, match=r"(?i)hash"):
        installed_environment(tmp_path, own_interpreter(), report=print)


@pytest.mark.parametrize("installer", ["pip", "uv"])
def test_pins_that_clash_with_those_of_functune_are_installed_and_used(tmp_path: Path, installer: str) -> None:
    app = copied_app(tmp_path / "app")
    (app / "requirements.txt").write_text("azure-functions==1.23.0\nhttpx==0.27.2\n")
    with Serving(app, "--install", XDG_CACHE_HOME=str(tmp_path), PATH=path_with(installer)) as host:
        found = after_installing(host).ready().get("/api/versions?azure.functions=1&httpx=1").json()
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
