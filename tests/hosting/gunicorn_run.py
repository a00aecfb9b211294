"""Gunicorn with hosting/gunicorn.conf.py as a child process, and the settings it ends up with."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.host.serving import Serving, children, wait_until
from tests.hosting.apps.served import LOADED

ROOT = Path(__file__).parents[2]
HOSTING = ROOT / "hosting"
APPS = Path(__file__).parent / "apps"
# What the platform or a developer may have set; nproc reads those of OpenMP.
_VARIABLES = re.compile(r"GUNICORN_|WEB_CONCURRENCY$|PORT$|OMP_")


def environment(**variables: str) -> dict[str, str]:
    """This environment with no such variable but those given; programs of this interpreter come first."""
    inherited = {name: value for name, value in os.environ.items() if not _VARIABLES.match(name)}
    path = f"{Path(sys.executable).parent}{os.pathsep}{inherited['PATH']}"
    return {**inherited, "PATH": path, "PYTHONPATH": str(APPS), **variables}


def gunicorn(module: str, *flags: str) -> list[str]:
    """The command that serves ``module``, such as ``served:asgi``."""
    return ["gunicorn", "--config", str(HOSTING / "gunicorn.conf.py"), *flags, module]


class GunicornRun(Serving):
    """
    One run of Gunicorn, on a free port unless a variable says otherwise::

        with GunicornRun(gunicorn("served:asgi"), WEB_CONCURRENCY="2") as server:
            server.listening().get("/")
    """

    def __init__(self, command: list[str], *, cwd: Path = ROOT, **variables: str) -> None:
        self._start(command, cwd=cwd, env=environment(**{"PORT": "0", **variables}))

    def listening(self) -> "GunicornRun":
        """Return once it has a port; a request waits until a worker serves it."""
        port = self.line(r"Listening at: http://0\.0\.0\.0:(\d+)")[1]
        self.url = f"http://127.0.0.1:{port}"
        return self

    def worker_pids(self, count: int) -> list[int]:
        """The pids of the workers, once ``count`` of them have loaded the app: from then on SIGTERM ends them."""

        def loaded() -> list[int]:
            return [int(pid) for line in list(self.lines) for pid in re.findall(rf"{LOADED} (\d+)", line)]

        wait_until(lambda: len(loaded()) == count, f"{count} workers")
        assert sorted(loaded()) == sorted(children(self.process.pid))
        return loaded()


def ended_run(command: list[str], **variables: str) -> subprocess.CompletedProcess[str]:
    """A run that ends by itself, with these variables."""
    return subprocess.run(command, cwd=ROOT, env=environment(**variables), capture_output=True, text=True, timeout=60)


def effective(command: list[str], **variables: str) -> dict[str, str]:
    """The settings by name, as Gunicorn prints them."""
    outcome = ended_run(command, GUNICORN_CMD_ARGS="--print-config", **variables)
    assert outcome.returncode == 0, outcome.stderr
    return dict(re.findall(r"^(\w+) += (.*)$", outcome.stdout, re.MULTILINE))
