"""How a command ends that the system ends: by SIGTERM, and by a full disk."""

import os
import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from functune.run.folder import MEASUREMENTS
from tests.cli.apps import write_app
from tests.cli.calling import command, functune
from tests.host.serving import wait_until


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


@pytest.mark.parametrize("background", [False, True], ids=["terminal", "background job"])
def test_sigterm_ends_a_sweep_as_ctrl_c_does_and_leaves_nothing(asked: Path, tmp_path: Path, background: bool) -> None:
    """A background job of a shell ignores SIGINT, and heeds SIGTERM all the same."""
    run, temporary = tmp_path / "run", tmp_path / "tmp"
    temporary.mkdir()
    on_interrupt = signal.SIG_IGN if background else signal.SIG_DFL
    with subprocess.Popen(
        command("sweep", asked, "--script-root", tmp_path / "app", "--out", run, "--no-profile", "--no-calibration"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(temporary)},
        preexec_fn=lambda: signal.signal(signal.SIGINT, on_interrupt),
    ) as sweep:
        try:
            wait_until(lambda: (run / MEASUREMENTS).exists(), "the first measurement")
            children = psutil.Process(sweep.pid).children(recursive=True)
            sweep.send_signal(signal.SIGTERM)
            _, said = sweep.communicate(timeout=30)
        finally:
            sweep.kill()
    assert sweep.returncode == 130
    assert said.startswith(f"functune: interrupted; {run} keeps everything measured so far.")
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []
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
    assert "No space left on device; free the disk, or name a folder for temporary files" in done.stderr
    assert "Traceback" not in done.stderr
