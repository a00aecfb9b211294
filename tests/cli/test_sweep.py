"""``functune sweep``: how it ends, and what it refuses to resume."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from functune.experiments.file import read_experiments
from functune.hosts.local import LOCAL_HOST
from functune.run.environment import collect_environment
from functune.run.folder import ENVIRONMENT, MEASUREMENTS, RunFolder
from functune.run.profile import PROFILE
from tests.cli.apps import write_app
from tests.cli.calling import command, in_process, interrupted_after_a_step
from tests.host.serving import wait_until

ONE_PERCENT = "A step works when it serves requests and at most 1% of them fail."
ROUTES = "The app has these routes: GET /api/unreliable, GET /api/waiting."


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """A small app in a folder of its own."""
    return write_app(tmp_path / "app")


def experiment(folder: Path, *, route: str = "/api/waiting", thread_count: str = "[4]", users: str = "[4]") -> Path:
    path = folder / "asked.toml"
    path.write_text(
        f"""
        name = "test"
        question = "Does it work?"
        workload.routes = ["{route}"]
        settings.thread_count = {thread_count}
        load = {{ users = {users}, warm_up = 0.2, measure = 1 }}
        """
    )
    return path


def files(folder: Path) -> dict[str, bytes]:
    """Every file of a folder by name."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def begun(app: Path, tmp_path: Path) -> Path:
    """A run of the app that was begun and has measured nothing yet."""
    asked = read_experiments(experiment(tmp_path))
    here = collect_environment(script_root=app, host=LOCAL_HOST.name, host_kind="local", command=["functune"])
    return RunFolder.create(tmp_path / "run", asked, here).path


def test_resumed_run_refuses_another_app(begun: Path, tmp_path: Path) -> None:
    other = write_app(tmp_path / "other")
    before = files(begun)
    done = in_process("sweep", "--resume", begun, "--script-root", other)
    assert done.returncode == 2
    assert f"--script-root {other}: the run measures the app in {tmp_path / 'app'}; omit --script-root" in done.stderr
    assert files(begun) == before


def test_resumed_run_refuses_another_host(begun: Path) -> None:
    before = files(begun)
    done = in_process("sweep", "--resume", begun, "--host", "func")
    assert done.returncode == 2
    assert "--host func: the run measures on local; omit --host" in done.stderr
    assert files(begun) == before


def test_resumed_run_refuses_an_app_that_has_changed(begun: Path, app: Path) -> None:
    before = files(begun)
    with (app / "function_app.py").open("a") as source:
        source.write("# changed\n")
    done = in_process("sweep", "--resume", begun)
    assert done.returncode == 3
    assert f"{begun} cannot be resumed: files of the app have changed" in done.stderr
    assert files(begun) == before


def test_resumed_run_says_that_its_app_is_gone(begun: Path, app: Path) -> None:
    before = files(begun)
    shutil.rmtree(app)
    done = in_process("sweep", "--resume", begun)
    assert done.returncode == 2
    assert f"the app of the run was in {app}, and there is no such folder now" in done.stderr
    assert files(begun) == before


def assert_shows_the_end_of_its_run(url: str) -> None:
    """The live page outlives the sweep, so that its reader sees how the run ended; this ends it."""
    with httpx.Client(base_url=url, trust_env=False, verify=False, timeout=60) as client:
        wait_until(lambda: client.get("/state.json").json()["has_ended"], "page of the end")
        assert client.get("/state.json").json()["headline"] == "The run has ended: 4 steps"
    port = httpx.URL(url).port
    listening = [each for each in psutil.net_connections("tcp4") if each.status == "LISTEN" and each.laddr.port == port]
    # A process that it is starting to draw with has its sockets for a moment too.
    watch = min((psutil.Process(each.pid) for each in listening), key=psutil.Process.create_time)
    watch.terminate()
    watch.wait(timeout=30)


def test_environment_names_the_app_and_host_and_holds_no_secret(
    app: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The home is a folder above the app. The host does not start, which the environment does not depend on."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (app / "function_app.py").write_text("raise RuntimeError('not today')")
    asked, secret = experiment(tmp_path), "s3cret-of-nobody"
    in_process(
        "sweep",
        asked,
        "--script-root",
        app,
        "--out",
        tmp_path / "run",
        "--no-calibration",
        "--key",
        secret,
        AzureWebJobsStorage=secret,
    )
    text = (tmp_path / "run" / ENVIRONMENT).read_text()
    noted = json.loads(text)
    assert noted["script_root"] == "~/app"
    assert noted["host_kind"] == "local"
    assert len(noted["app_digest"]) == 64
    assert str(tmp_path) not in text
    assert secret not in text


def test_run_in_which_no_step_worked_ends_with_3(app: Path, tmp_path: Path) -> None:
    """A tenth of the requests fail, not the first."""
    asked = experiment(tmp_path, route="/api/unreliable")
    done = in_process("sweep", asked, "--script-root", app, "--out", tmp_path / "run", "--no-calibration")
    assert done.returncode == 3, done.stderr
    said = r"test: no step worked: ([\d,]+) of [\d,]+ requests failed \(HTTP 503: \1\)\."
    assert re.search(said, done.stderr), done.stderr
    assert ONE_PERCENT in done.stderr
    assert ROUTES in done.stderr


def test_run_folder_below_a_file_is_refused_in_a_sentence(app: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = in_process("sweep", experiment(tmp_path), "--script-root", app, "--out", tmp_path / "file" / "run")
    assert done.returncode == 3
    assert f"{tmp_path / 'file' / 'run'} cannot be written: Not a directory" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("a full disk needs a tmpfs, which only root can mount")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_full_disk_ends_a_sweep_in_a_sentence(app: Path, tmp_path: Path, small_disk: Path) -> None:
    """The journal of the first step fits into what is left, and that of six does not, however few calls they have."""
    (small_disk / "ballast").write_bytes(b"x" * (48 << 10))
    asked = experiment(tmp_path, users="[1, 4, 16, 17, 18, 19]", thread_count="[16]")
    done = in_process("sweep", asked, "--script-root", app, "--out", small_disk / "run", "--no-calibration")
    assert done.returncode == 3
    assert f"{small_disk / 'run' / MEASUREMENTS} cannot be written: No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
    kept = RunFolder.open(small_disk / "run").measurements()
    assert 0 < len(kept) < 6


def test_interrupted_sweep_says_how_to_resume_and_is_resumed_from_any_folder(app: Path, tmp_path: Path) -> None:
    """There is no app in the folder from which it is resumed."""
    asked, run = experiment(tmp_path, users="[1, 2, 4, 8]"), tmp_path / "run"
    ended = interrupted_after_a_step(run, "sweep", asked, "--script-root", app, "--no-profile", "--no-calibration")
    assert ended.returncode == 130
    assert ended.stderr == (
        f"functune: interrupted; {run} keeps everything measured so far. "
        f"Continue with `functune sweep --resume {run}`\n"
    )
    before = (run / MEASUREMENTS).read_bytes()

    (tmp_path / "elsewhere").mkdir()
    done = subprocess.run(
        command("sweep", "--resume", run, "--no-profile", "--no-calibration", "--watch", "--json"),
        cwd=tmp_path / "elsewhere",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert_shows_the_end_of_its_run(done.stderr.split("Live page of ")[1].split()[1])
    assert json.loads(done.stdout)["experiments"][0]["name"] == "test"
    assert "requests/s" in done.stderr  # the progress is no part of the answer
    assert "Profiling" not in done.stderr
    assert not (run / PROFILE).exists()
    assert (run / MEASUREMENTS).read_bytes().startswith(before)
    measured = RunFolder.open(run).measurements()
    assert [step.users for step in measured] == [1, 2, 4, 8]
    assert all(step.errors == {} and step.subject.route == "/api/waiting" for step in measured)
    assert {step.handler for step in measured} == {"def"}  # by its own times, whatever fields the body has
