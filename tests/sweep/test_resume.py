"""A sweep killed at random moments: the next one continues where the journal ends."""

import functools
import random
import secrets
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from functune.run.folder import MEASUREMENTS, RunFolder
from tests.load.loads import has_ended, wait_until

ASKED = """
name = "test"
question = "Does it survive?"
workload.routes = ["/sleep?ms=5"]
settings.thread_count = [2]
load = { users = [1, 2], warm_up = 0.2, measure = 1, repeats = 3 }
"""
STEPS = 2 * 3
KILLS = 3


def sweeping(folder: Path, *, resume: bool) -> subprocess.Popen[str]:
    """The sweep as a process of its own."""
    words = ["resume"] if resume else []
    return subprocess.Popen(
        [sys.executable, "-m", "tests.sweep.stand_in_host", str(folder), *words],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def written(folder: Path) -> bytes:
    path = folder / "run" / MEASUREMENTS
    return path.read_bytes() if path.exists() else b""


@pytest.mark.fault
def test_sweep_killed_at_random_moments_loses_at_most_the_running_step(tmp_path: Path) -> None:
    (tmp_path / "asked.toml").write_text(ASKED)
    seed = secrets.randbelow(2**32)
    print(f"seed {seed}")  # pytest shows it where the test fails
    moments = random.Random(seed)
    before = b""
    for _ in range(KILLS):
        process = sweeping(tmp_path, resume=(tmp_path / "run" / "environment.json").exists())
        with suppress(subprocess.TimeoutExpired):
            # Between the start of Python and the second of three trials; a resumed sweep is that much further already.
            process.wait(moments.uniform(0.1, 5))
        children = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        process.kill()
        process.communicate()
        for child in children:
            wait_until(functools.partial(has_ended, child))
        # Lines that were on the disk stay; only the last of the new ones may be torn.
        after = written(tmp_path)
        whole, end, _ = before.rpartition(b"\n")
        assert after.startswith(whole + end)
        before = after

    last = sweeping(tmp_path, resume=(tmp_path / "run" / "environment.json").exists())
    said, _ = last.communicate(timeout=300)
    assert last.returncode == 0, said
    assert written(tmp_path).endswith(b"\n")
    steps = RunFolder.open(tmp_path / "run").measurements()
    keys = {(step.subject, step.setting, step.users, step.repeat) for step in steps}
    assert len(steps) == len(keys) == STEPS
