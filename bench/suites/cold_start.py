"""Cold start: the import of the app, and the time until its worker is ready."""

import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

from bench import bounds
from bench.figure import Figure
from bench.processes import APPS, ROOT
from functune.hosts.local import LOCAL_HOST
from functune.hosts.served_app import ServedApp
from functune.setting import Setting

ROUNDS = 10
"""After a first one that is not counted: it fills the file cache and writes the bytecode."""


async def app_import() -> AsyncIterator[Figure]:
    """Import time of the app, compared with the two packages that every app of its kind imports."""
    statements = ["import function_app", "import azure.functions, httpx"]
    rounds = [[_seconds(statement) for statement in statements] for _ in range(ROUNDS + 1)][1:]
    yield Figure(
        bounds.APP_IMPORT,
        tuple(ours / theirs for ours, theirs in rounds),
        detail=f"{statistics.median(r[0] for r in rounds) * 1000:.0f} ms, including the start of the interpreter",
    )


async def app_start() -> AsyncIterator[Figure]:
    """Time from ``functune serve`` to a ready worker, compared with an app without functions."""
    rounds = [[await _ready_seconds(root) for root in (ROOT, APPS / "empty")] for _ in range(ROUNDS + 1)][1:]
    app, empty = (statistics.median(column) for column in zip(*rounds, strict=True))
    yield Figure(
        bounds.APP_START,
        tuple(ours / theirs for ours, theirs in rounds),
        detail=f"{app * 1000:.0f} ms, {empty * 1000:.0f} ms, including the start of the host",
    )


def _seconds(statement: str) -> float:
    """Seconds a new interpreter takes to run the statement."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], cwd=ROOT, check=True)
    return time.perf_counter() - started


async def _ready_seconds(script_root: Path) -> float:
    """Seconds until ``/admin/host/status`` reports the one worker as ready."""
    started = time.perf_counter()
    async with LOCAL_HOST.running(ServedApp(script_root), setting=Setting()):
        return time.perf_counter() - started
