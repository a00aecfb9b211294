"""What a worker has before it imports the app: event loops of uvloop, as on the platform, and no module too many."""

import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.host.serving import APPS, Serving

IMPORTED = re.compile(r"import time: .*\| +(\S+)$")
"""A line of ``python -X importtime``."""


@pytest.fixture(scope="module")
def loops() -> Iterator[Serving]:
    """A host whose worker prints what it imports."""
    with Serving(APPS / "loops", PYTHONPROFILEIMPORTTIME="1") as host:
        yield host.ready()


def test_loops_that_handlers_create_are_of_uvloop(loops: Serving) -> None:
    assert loops.get("/api/sync").json() == {"run": "uvloop", "new": "uvloop", "runner": "uvloop"}
    assert loops.get("/api/async").json() == {"running": "uvloop"}
    assert "Warning" not in loops.text


def test_worker_imports_neither_the_sampler_nor_what_reads_packages(loops: Serving) -> None:
    """The lines of the worker, unlike those of the host, have a timestamp. The last of them is of colorsys."""
    loops.line(r"^\[.*import time: .*\| +colorsys$")
    lines = [line for line in loops.lines if line.startswith("[")]
    imported = {found[1] for line in lines if (found := IMPORTED.search(line))}
    assert {"azure.functions", "functune.host.worker"} <= imported
    assert imported & {"functune.timing.sampler", "importlib.metadata"} == set()


def test_host_imports_nothing_that_reads_packages() -> None:
    """It is needed only where an environment is looked for again."""
    program = "import functune.cli.serve, functune.host.server"
    asked = [sys.executable, "-X", "importtime", "-c", program]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=True)
    imported = {found[1] for line in done.stderr.splitlines() if (found := IMPORTED.search(line))}
    assert {"functune.packages.worker_start", "uvicorn"} <= imported
    assert imported & {"packaging.requirements", "importlib.metadata", "functune.packages.install"} == set()
