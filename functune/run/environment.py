"""
environment.json: the app, machine and software of a run, so that only comparable runs are compared or resumed.

It holds no environment variables, and the home directory only as ``~``: a run folder is made to be shared.
"""

import hashlib
import os
import platform
import re
import shlex
import subprocess
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import msgspec

from functune.formatting import plural
from functune.machine import cpu_quota, memory_mb

ENVIRONMENT = "environment.json"
PACKAGES = ("functune", "azure-functions-runtime", "azure-functions", "uvicorn", "uvloop", "locust")
"""The packages whose version can change the figures."""
SPEED_ROUNDS, SPEED_ADDITIONS = 5, 500_000
"""Together about a tenth of a second."""
GIT_TIMEOUT = 5
"""Seconds."""
APP_FILES = (".py", "host.json", "requirements.txt")
"""Endings of the files of an app that can change its figures."""
ON_AZURE = "azure:"
"""The beginning of a value of --host that names an app on Azure by its resource id."""
NOT_THE_APP = {"__pycache__", "node_modules", "runs", "tests", "venv"}
"""Folders that hold no code of the app; folders whose name starts with a dot are skipped too."""


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """The app, machine, software and command of a run. None where a value is not known."""

    started_at: str = ""
    """ISO 8601, UTC."""
    command: str = ""
    host: str = ""
    """The server that ran the app, e.g. ``functune local host``."""
    host_kind: str = ""
    """The value of --host that selects it: a host kind such as ``local``, a URL, or ``azure:`` and a resource id."""
    script_root: str | None = None
    """Folder of the app, ``~`` for the home directory; None for an app that runs elsewhere."""
    app: str | None = None
    """``module:callable`` of a WSGI or ASGI app, unless an experiment names its own; None for a function app."""
    app_digest: str | None = None
    """SHA-256 over the Python files, host.json and requirements.txt of the app; None for an app that runs elsewhere."""
    app_python: str | None = None
    """The interpreter that --python or --install chose, ``~`` for the home directory; None for neither."""
    cpu_count: int | None = None
    cpu_model: str | None = None
    cpu_affinity: int | None = None
    """Cores this process may use."""
    cpu_quota: float | None = None
    """Cores that the control groups of this process allow; None when unlimited."""
    memory_mb: int | None = None
    core_speed: float | None = None
    """Million additions that a loop of Python makes per second on one core: the speed of the core that was measured."""
    load_average: tuple[float, float, float] | None = None
    """Runnable processes over 1, 5 and 15 minutes before the run."""
    platform: str = ""
    python: str = ""
    versions: dict[str, str] = {}
    git_commit: str | None = None
    """The commit of the app, with ``-dirty`` for uncommitted changes; None outside of a repository."""

    @property
    def usable_cores(self) -> float | None:
        """The cores the run could use: the least of those present, allowed and granted; None when unknown."""
        known = (self.cpu_count, self.cpu_affinity, self.cpu_quota)
        return min((float(cores) for cores in known if cores is not None), default=None)

    @property
    def cores_said(self) -> str | None:
        """``2 cores``, or ``1 usable of 2 cores``; None when unknown."""
        if self.cpu_count is None or self.usable_cores is None:
            return None
        every = plural(self.cpu_count, "core")
        return every if self.usable_cores == self.cpu_count else f"{self.usable_cores:g} usable of {every}"

    @property
    def machine_cores(self) -> float | None:
        """The usable cores where the app runs on this machine; None for one that runs elsewhere."""
        return None if is_elsewhere(self.host_kind) else self.usable_cores

    @property
    def is_on_azure(self) -> bool:
        """Whether the app that was measured is on Azure and named by its resource id."""
        return self.host_kind.startswith(ON_AZURE)


COMPARED = (
    "host",
    "app_digest",
    "cpu_count",
    "cpu_model",
    "cpu_affinity",
    "cpu_quota",
    "python",
    "versions",
    "git_commit",
)
"""The fields that must agree for two sweeps to be parts of one run."""


def collect_environment(
    *,
    script_root: Path | None,
    host: str,
    host_kind: str,
    command: Sequence[str],
    app: str | None = None,
    app_python: str | None = None,
) -> Environment:
    """
    The environment now, at the start of a run; ``command`` is ``sys.argv``.

    ``script_root`` is the folder of the app that is measured, None when it runs elsewhere, and ``app`` the callable in
    it where it is no function app.
    """
    return Environment(
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
        command=shown_command(command),
        host=host,
        host_kind=host_kind,
        script_root=None if script_root is None else without_home(str(script_root.resolve())),
        app=app,
        app_digest=None if script_root is None else app_digest(script_root),
        app_python=None if app_python is None else without_home(app_python),
        cpu_count=os.cpu_count(),
        cpu_model=cpu_model(),
        cpu_affinity=os.process_cpu_count(),
        cpu_quota=cpu_quota(),
        memory_mb=memory_mb(),
        core_speed=core_speed(),
        load_average=os.getloadavg() if hasattr(os, "getloadavg") else None,
        platform=platform.platform(),
        python=f"{platform.python_implementation()} {platform.python_version()}",
        versions={package: version(package) for package in PACKAGES},
        git_commit=None if script_root is None else git_commit(script_root),
    )


def is_elsewhere(host_kind: str) -> bool:
    """Whether a value of --host names an app that runs elsewhere: at a URL, or on Azure."""
    return host_kind.startswith(("http://", "https://", ON_AZURE))


def differences(before: Environment, now: Environment) -> list[tuple[str, object, object]]:
    """The fields that keep two sweeps from being one run, each with the value before and now."""
    return [
        (name, getattr(before, name), getattr(now, name))
        for name in COMPARED
        if getattr(before, name) != getattr(now, name)
    ]


def app_digest(script_root: Path) -> str:
    """SHA-256 over the names and contents of the files that APP_FILES names, in the order of their names."""
    digest = hashlib.sha256()
    for path in app_files(script_root):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(script_root).as_posix()} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def app_files(script_root: Path) -> Iterator[Path]:
    """The files of an app that can change its figures, sorted by path."""
    for folder, folders, names in script_root.walk():
        folders[:] = sorted(name for name in folders if name not in NOT_THE_APP and not name.startswith("."))
        for name in sorted(names):
            # An editor marks a file that it has open by a link to nowhere, such as .#function_app.py of Emacs.
            if name.endswith(APP_FILES) and (folder / name).is_file():
                yield folder / name


def without_secret(command: Sequence[str], secret: str | None) -> list[str]:
    """The command with ``***`` in place of the secret."""
    return [word.replace(secret, "***") if secret else word for word in command]


def shown_command(command: Sequence[str]) -> str:
    """The command as typed: the program's name without its path, and the home directory as ``~``."""
    return without_home(shlex.join([Path(command[0]).name, *command[1:]])) if command else ""


def without_home(text: str) -> str:
    """The text with the home directory as ``~``, where a path begins with it."""
    home = re.escape(str(Path.home()))
    return re.sub(rf"(?<![\w./~-]){home}(?![\w.-])", "~", text)


def cpu_model() -> str | None:
    """The processor's name."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or None


def core_speed() -> float:
    """Million additions per second of CPU time, the best of some rounds: other programs only slow a round down."""
    return max(map(loop_speed, range(SPEED_ROUNDS)))


def loop_speed(_: int) -> float:
    """The same in one round."""
    began, total = time.thread_time(), 0
    for number in range(SPEED_ADDITIONS):
        total += number
    return SPEED_ADDITIONS / 1e6 / (time.thread_time() - began)


def git_commit(folder: Path) -> str | None:
    """The commit checked out in the repository of ``folder``; None without git or outside of a repository."""
    # --always: the commit itself when no tag is near; --exclude: also when one is.
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=GIT_TIMEOUT, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
