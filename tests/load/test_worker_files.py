"""The file that a load process of another machine gets: the plan and its data, and no secret."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from functune.experiments.requests import RequestTemplate
from functune.load.load_workers import instructions
from functune.load.records import LoadPlan
from functune.load.worker_files import LOAD_FILE, write_load_file

SECRET = "s3cret-of-nobody"
SHOW = f"""
import runpy
found = runpy.run_path({LOAD_FILE!r})
from functune.load import planned_load
planned_load.prepare_source((0, 1))
one = found["AppUser"].source.next()
print(one.path, one.headers["x-key"], one.body)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder with the file, and nothing else of the run."""
    files, folder = tmp_path / "run" / "inputs", tmp_path / "worker"
    files.mkdir(parents=True)
    folder.mkdir()
    (files / "ids.csv").write_text("id\n7\n")
    (files / "body.bin").write_bytes(b"\xff\x00")
    request = RequestTemplate(
        name="r",
        route="/items/{id}",
        headers={"x-key": "${KEY}"},
        values="inputs/ids.csv",
        body_file="inputs/body.bin",
        method="POST",
    )
    plan = LoadPlan(
        route="r", requests=(request,), folder=str(tmp_path / "run"), secrets=("KEY",), users=(1,), warm_up=1, measure=1
    )
    write_load_file(plan, folder)
    return folder


def started(folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """What a load process does with the file when it starts."""
    return subprocess.run(
        [sys.executable, "-c", SHOW],
        cwd=folder,
        env={**os.environ, **environ, "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_requests_are_sent_as_on_the_machine_that_leads(folder: Path) -> None:
    assert SECRET not in (folder / LOAD_FILE).read_text()
    done = started(folder, KEY=SECRET)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"/items/7 {SECRET} {b'\xff\x00'!r}"


def test_data_of_a_load_is_removed_with_the_load_process(folder: Path) -> None:
    """A machine that sends the requests of many loads would keep the data of each."""
    assert started(folder, KEY=SECRET).returncode == 0
    assert [path.name for path in folder.iterdir() if path.is_dir() and path.name != "__pycache__"] == []


def test_missing_secret_is_named(folder: Path) -> None:
    done = started(folder)
    assert done.returncode == 1
    assert "set KEY in the environment of this machine" in done.stderr
    assert "Traceback" not in done.stderr


def test_other_version_is_refused(folder: Path) -> None:
    file = folder / LOAD_FILE
    file.write_text(file.read_text().replace("receive_plan(version='", "receive_plan(version='9."))
    done = started(folder, KEY=SECRET)
    assert done.returncode == 1
    assert "leads this load, and" in done.stderr
    assert "is installed here: install 9." in done.stderr


def test_instructions_name_the_secrets_and_warn_of_an_open_port() -> None:
    near = "\n".join(instructions(2, "127.0.0.1:5557", ["KEY"]))
    assert "export KEY=…" in near
    assert "ssh -N -L 5557:127.0.0.1:5557" in near
    assert "Warning" not in near
    far = "\n".join(instructions(1, "0.0.0.0:6000", []))
    assert "waits for 1 load process at 0.0.0.0:6000" in far
    assert "--master-host THIS_MACHINE --master-port 6000" in far
    assert "Warning: other machines can reach 0.0.0.0:6000" in far
