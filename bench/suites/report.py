"""Time and size of a large report."""

import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import bounds, lab
from bench.figure import Figure, NotMeasuredError
from bench.processes import ROOT

ROUNDS = 3
EXPERIMENTS = 13
"""As many as the bounds are for; time and size grow with their number."""


async def report() -> AsyncIterator[Figure]:
    """``functune report`` of a simulated run of the first shipped experiments, including the start of the command."""
    experiments, inputs = lab.shipped_experiments()
    experiments = experiments[:EXPERIMENTS]
    with TemporaryDirectory() as folder:
        run = lab.simulated_run(experiments, Path(folder) / "run", inputs)
        seconds = tuple(_seconds(run) for _ in range(ROUNDS))
        size = (run / "report.html").stat().st_size
    yield Figure(bounds.REPORT_TIME, seconds, detail=f"{len(experiments)} experiments")
    yield Figure(bounds.REPORT_SIZE, (size / 1e6,))


def _seconds(run: Path) -> float:
    """Seconds the command takes. Exit code 1 is fine: a simulated run need not meet every expectation."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "functune.cli", "report", str(run)]
    outcome = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if outcome.returncode not in (0, 1):
        raise NotMeasuredError(f"functune report ended with {outcome.returncode}: {outcome.stderr.strip()}")
    return time.perf_counter() - started
