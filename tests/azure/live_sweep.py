"""Sweeps of the app on the stand-in, as processes of their own."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from tests.azure.stand_in import SITE
from tests.cli.calling import command

ROOT = Path(__file__).parents[2]
EXPERIMENT = """
name = "live"
question = "How many requests should an instance take?"
workload.routes = ["{route}"]
settings = {{ per_instance_concurrency = {concurrency}, thread_count = {threads} }}
load = {{ users = {users}, warm_up = 0.2, measure = {measure}, search = "grid" }}
"""


def write_experiment(
    folder: Path,
    *,
    concurrency: str = "[2, 4]",
    threads: str = "[8]",
    users: str = "[4]",
    route: str = "/api/wait",
    measure: float = 1,
) -> Path:
    """An experiment file."""
    path = folder / "live.toml"
    path.write_text(
        EXPERIMENT.format(concurrency=concurrency, threads=threads, users=users, route=route, measure=measure)
    )
    return path


def sweep_words(experiment: Path, out: Path, *more: object) -> list[object]:
    """The arguments of a sweep of the app."""
    return ["sweep", experiment, "--out", out, "--host", f"azure:{SITE}", "--no-profile", "--no-calibration", *more]


def begin(*words: object) -> subprocess.Popen[str]:
    """Start a command, in a session of its own, so that all of it can be killed."""
    return subprocess.Popen(
        command(*words), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )


def kill_all(process: subprocess.Popen[str]) -> str:
    """SIGKILL to the command and what it has started; what it said until then."""
    os.killpg(process.pid, signal.SIGKILL)
    said, _ = process.communicate(timeout=60)
    return said


def wait_for(condition: Callable[[], object], process: subprocess.Popen[str]) -> None:
    """Wait until something is so, while the command runs; on a busy machine its start alone may take a minute."""
    deadline = time.monotonic() + 180
    while not condition():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline, "it did not happen in 180 s"
        time.sleep(0.01)
