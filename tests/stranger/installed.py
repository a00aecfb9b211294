"""functune as a stranger has it: a wheel in an environment of its own, outside of the repository."""

import fcntl
import os
import re
import shutil
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

from uv import find_uv_bin

from functune.showcase.parts import SHOWCASE_PARTS
from tests.host.serving import Serving

ROOT = Path(__file__).parents[2]
APPS = Path(__file__).parent / "apps"
SOURCES = ("functune", "pyproject.toml", "setup.py", "README.md", "LICENSE", *SHOWCASE_PARTS)
"""The files that the wheel is made from."""
BUDGETS = (20, 120)
"""Seconds of one call of tune: the smallest that it allows, and more where other programs slow the machine down."""
BUDGET_PER_START = 40
"""Seconds of budget for each second that a command takes to start, which is 0.3 s on an idle machine."""
UV = "uv"
"""The folder next to the environment that has uv alone, which installs ten times as fast as pip."""
SHELL = ("PYTHONPATH", "VIRTUAL_ENV", "FUNCTIONS_WORKER_PROCESS_COUNT", "PYTHON_THREADPOOL_THREAD_COUNT")
"""Variables of the tests that a stranger does not have."""


class Stranger:
    """The commands of an installed functune, called in a folder that contains nothing of it."""

    def __init__(self, environment: Path, folder: Path) -> None:
        self.program = environment / "bin" / "functune"
        self.cache = environment.parent / "cache"
        self.path = os.pathsep.join([str(environment.parent / UV), os.environ["PATH"]])
        self.folder = folder

    def environ(self, **more: str) -> dict[str, str]:
        """The environment of a call."""
        own = {name: value for name, value in os.environ.items() if name not in SHELL}
        return {**own, "XDG_CACHE_HOME": str(self.cache), "PATH": self.path, **more}

    def call(self, *arguments: object, **environ: str) -> subprocess.CompletedProcess[str]:
        """One command, whose flags are those of its help, and which ends without a traceback of functune."""
        self.require_known(*map(str, arguments))
        done = subprocess.run(
            [self.program, *map(str, arguments)],
            cwd=self.folder,
            env=self.environ(**environ),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        frames = re.findall(r'File "[^"]*/functune/[^"]*"', done.stdout + done.stderr)
        assert frames == [], done.stderr
        return done

    def tune(self, app: Path, *request: object, **environ: str) -> subprocess.CompletedProcess[str]:
        """``functune tune`` with the smallest budget that suffices."""
        return self.call("tune", *request, "--script-root", app, "--budget", self.budget(), **environ)

    def budget(self, seconds: int = BUDGETS[0]) -> str:
        """The budget that suffices on this machine, as busy as it is now, where an idle one needs ``seconds``."""
        began = time.monotonic()
        run(self.program, "--version")
        needed = seconds / BUDGETS[0] * BUDGET_PER_START * (time.monotonic() - began)
        return f"{min(max(round(needed), seconds), BUDGETS[1])}s"

    def serve(self, app: Path, *flags: str, **environ: str) -> Serving:
        """``functune serve``."""
        self.require_known("serve", *flags)
        clean = dict.fromkeys(SHELL, "") | {"XDG_CACHE_HOME": str(self.cache), "PATH": self.path}
        return Serving(app, *flags, program=self.program, cwd=self.folder, **(clean | environ))

    def require_known(self, command: str, *arguments: str) -> None:
        """Fail where a flag is not in the help of its command."""
        flag = r"(?<!\S)--?[a-zA-Z][a-z-]*"
        shown = set(re.findall(flag, help_of(self.program, command)))
        unknown = [each for each in arguments if re.fullmatch(flag, each) and each not in shown]
        assert unknown == []


@cache
def help_of(program: Path, command: str) -> str:
    """The help of a command."""
    return subprocess.run([program, command, "--help"], capture_output=True, text=True, timeout=60, check=True).stdout


def installed_once(folder: Path) -> Path:
    """The environment in a folder that all processes of a test run share; the first of them makes it."""
    folder.mkdir(exist_ok=True)
    environment, mark = folder / "environment", folder / "complete"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not mark.exists():
            (folder / UV).mkdir()
            (folder / UV / "uv").symlink_to(find_uv_bin())
            make_environment(environment, f"functune[servers] @ {wheel(folder / 'source').as_uri()}")
            mark.touch()
    return environment


def wheel(source: Path) -> Path:
    """The wheel, built from a copy of its files: a build leaves its own folders next to them."""
    source.mkdir()
    for name in SOURCES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, source / name)
    run(find_uv_bin(), "build", "--quiet", "--wheel", "--out-dir", source / "dist", source)
    [built] = (source / "dist").glob("*.whl")
    return built


def make_environment(folder: Path, *packages: object) -> Path:
    """A virtual environment with packages from the index."""
    run(find_uv_bin(), "venv", "--quiet", "--python", sys.executable, folder)
    install(folder / "bin" / "python", *packages)
    return folder


def install(python: Path, *arguments: object) -> None:
    """Packages for an interpreter."""
    run(find_uv_bin(), "pip", "install", "--quiet", "--python", python, *arguments)


def run(*command: object) -> None:
    """One command, which has to succeed."""
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
