"""What a change of the app's files does under ``serve``, which watches them unless --no-watch is given."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from functune.host import watching
from tests.host.serving import Serving, is_alive, wait_until
from tests.packages.places import make_environment

APP = """
import asyncio, os
import azure.functions as func
from part import TEXT
app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

@app.route("text")
def text(req: func.HttpRequest) -> str:
    return TEXT

@app.route("setting")
def setting(req: func.HttpRequest) -> str:
    return os.environ.get("FROM_SETTINGS", "")

@app.route("wait")
async def wait(req: func.HttpRequest) -> str:
    print("waiting", flush=True)
    await asyncio.sleep(1)
    return TEXT
"""
V2 = '{"version": "2.0", // as the real host reads it\n}'


def write(folder: Path, text: str) -> None:
    """Write the module that is changed, in one step."""
    (folder / "new").write_text(f"TEXT = {text}\n")
    (folder / "new").rename(folder / "part.py")


def new_app(folder: Path) -> Path:
    (folder / "function_app.py").write_text(APP)
    (folder / "host.json").write_text(V2)
    write(folder, "'first'")
    return folder


@pytest.fixture(scope="module")
def script_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The app that the tests change; each leaves one that can be loaded."""
    return new_app(tmp_path_factory.mktemp("watched"))


@pytest.fixture(scope="module")
def watching_host(script_root: Path) -> Iterator[Serving]:
    """The host of that app."""
    with Serving(script_root, "--watch") as host:
        yield host.ready()


def test_changed_file_is_loaded_and_no_call_is_lost(script_root: Path, watching_host: Serving) -> None:
    """The call in flight ends with the old app, the one that comes meanwhile waits for the new one."""
    host, changed = watching_host, "part.py changed: loading the app again"
    with ThreadPoolExecutor(1) as pool:
        before, changes = host.get("/api/text").text, host.lines.count(changed)
        [old] = host.workers()["pids"]
        running = pool.submit(host.get, "/api/wait")
        host.line("waiting")
        write(script_root, "'second'")
        wait_until(lambda: host.lines.count(changed) > changes, "line about the change")
        assert host.get("/api/text").text == "second"
        assert running.result().text == before
    assert not is_alive(old)
    values = '{"IsEncrypted": false, "Values": {"FROM_SETTINGS": "from settings"}}'
    (script_root / "local.settings.json").write_text(values)
    wait_until(lambda: host.get("/api/setting").text == "from settings", "setting in the app", pause=0.05)


def test_broken_app_answers_503_until_it_is_mended(script_root: Path, watching_host: Serving) -> None:
    host = watching_host
    write(script_root, "1 / 0")
    host.line(r"The changed app cannot run: .*ZeroDivisionError")
    host.line(r"Waiting for the next change")
    assert (host.get("/api/text").status_code, host.get("/api/text").text) == (503, "Function host is not running.")
    assert host.get("/admin/host/status").json()["state"] == "Error"
    (script_root / "host.json").write_text("{broken")
    host.line(r"The changed app cannot run: .*host\.json: cannot be read as JSON")
    (script_root / "host.json").write_text(V2)
    write(script_root, "'mended'")
    wait_until(lambda: host.get("/api/text").text == "mended", "mended app", pause=0.05)
    # It may be loaded once for host.json and once more for the module.
    wait_until(lambda: host.get("/admin/host/status").json()["state"] == "Running", "host that runs", pause=0.05)


def test_import_that_hangs_does_not_hold_up_the_change_that_mends_it(script_root: Path, watching_host: Serving) -> None:
    write(script_root, "print('hangs', flush=True) or __import__('time').sleep(3600)")
    watching_host.line("hangs")
    write(script_root, "'goes on'")
    assert watching_host.get("/api/text").text == "goes on"


def test_host_waits_for_an_environment_that_is_made_again(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder, app = tmp_path_factory.mktemp("environments"), new_app(tmp_path)
    environment = make_environment(folder / "env")
    with Serving(app, "--watch", "--python", str(environment / "bin" / "python")) as host:
        host.ready()
        environment.rename(folder / "away")
        write(app, "'second'")
        host.line(r"The changed app cannot run: .*there is no such program")
        (folder / "away").rename(environment)
        write(app, "'third'")
        wait_until(lambda: host.get("/api/text").text == "third", "app in the environment", pause=0.05)


async def test_only_files_of_the_app_are_watched(tmp_path: Path) -> None:
    """The foreign files are written before the app's own one, again and again until something is told."""
    folders = (".venv", "runs", "tests", "__pycache__", "env", "part")
    for name in folders:
        (tmp_path / name).mkdir()
    (tmp_path / "env" / "pyvenv.cfg").touch()
    foreign = [*(f"{name}/a.py" for name in folders[:-1]), "part/a.txt", "part/host.json", "other.json"]
    changes = watching.changes(tmp_path)
    told = asyncio.ensure_future(anext(changes))
    async with asyncio.timeout(60):
        while not told.done():
            for name in (*foreign, "part/a.py"):
                (tmp_path / name).write_text("x")
            await asyncio.wait({told}, timeout=0.5)
    assert await told == ["part/a.py"]
    await changes.aclose()


async def test_folder_that_comes_later_is_watched_too(tmp_path: Path) -> None:
    changes = watching.changes(tmp_path)
    told = asyncio.ensure_future(anext(changes))
    async with asyncio.timeout(60):
        number = 0
        while not told.done():
            number += 1
            (tmp_path / f"later{number}").mkdir()
            await asyncio.wait({told}, timeout=0.5)
        assert set(await told) <= {f"later{n}" for n in range(number + 1)}
        within = asyncio.ensure_future(anext(changes))
        while not within.done():
            (tmp_path / "later1" / "a.py").write_text("x")
            await asyncio.wait({within}, timeout=0.5)
    assert await within == ["later1/a.py"]
    await changes.aclose()
