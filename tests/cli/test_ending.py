"""How a command ends that the system ends: by SIGTERM, and by a full disk."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.cli.apps import write_app
from tests.cli.calling import functune, interrupted_after_a_step


@pytest.fixture
def asked(tmp_path: Path) -> Path:
    """An experiment on a small app, in a folder of its own."""
    write_app(tmp_path / "app")
    path = tmp_path / "asked.toml"
    path.write_text(
        'name = "test"\nquestion = "Does it work?"\nworkload.routes = ["/api/waiting"]\n'
        "settings.thread_count = [4]\nload = { users = [1, 2, 4, 8], warm_up = 0.2, measure = 1 }\n"
    )
    return path


def test_sigterm_ends_a_background_job_as_ctrl_c_ends_others_and_leaves_nothing(asked: Path, tmp_path: Path) -> None:
    """A background job of a shell ignores SIGINT, and heeds SIGTERM all the same."""
    run, temporary = tmp_path / "run", tmp_path / "tmp"
    temporary.mkdir()
    asks = ("sweep", asked, "--script-root", tmp_path / "app", "--no-profile", "--no-calibration")
    done = interrupted_after_a_step(run, *asks, by=signal.SIGTERM, in_background=True, TMPDIR=str(temporary))
    assert done.returncode == 130
    assert done.stderr.startswith(f"functune: interrupted; {run} keeps everything measured so far.")
    assert list(temporary.iterdir()) == []


def test_full_disk_of_temporary_files_is_named(asked: Path, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8k,nr_inodes=2", "none", str(small)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("a full disk needs a tmpfs, which only root can mount")
    try:
        done = functune("sweep", asked, "--script-root", tmp_path / "app", "--out", tmp_path / "run", TMPDIR=str(small))
    finally:
        subprocess.run(["umount", str(small)], check=True)
    assert done.returncode == 3
    assert "No space left on device; free space on the disk, or set TMPDIR to a folder" in done.stderr
    assert "Traceback" not in done.stderr
