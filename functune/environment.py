"""
environment.json: what a run was measured on, so that two runs are only compared where that makes sense.

It holds no environment variables, and no path under the home directory: a run folder is made to be shared.
"""

import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import msgspec

from functune.errors import UsageError

FILE_NAME = "environment.json"
PACKAGES = ("functune", "azure-functions-runtime", "azure-functions", "uvicorn", "uvloop", "locust")
"""Those whose version can move the numbers."""
GIT_SECONDS = 5


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """The machine, the software and the command of a run. None where it cannot be known."""

    started_at: str
    """ISO 8601, UTC."""
    command: str
    host: str
    """What answered, e.g. ``functune local host``."""
    cpu_count: int | None
    cpu_model: str | None
    cpu_affinity: int | None
    """Cores this process may use."""
    cpu_quota: float | None
    """Cores the control group allows (``cpu.max``); None when unlimited."""
    memory_mb: int | None
    load_average: tuple[float, float, float] | None
    """Over 1, 5 and 15 minutes, before the run: what else kept the machine busy."""
    platform: str
    python: str
    versions: dict[str, str]
    git_commit: str | None
    """Of the function app; ``-dirty`` is added when it has changes that are not committed. None for one elsewhere."""


def collect(*, script_root: Path | None, host: str, command: Sequence[str]) -> Environment:
    """
    The environment now, at the start of a run; ``command`` is ``sys.argv``.

    ``script_root`` is the folder of the app that is measured, None when it does not run here.
    """
    return Environment(
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
        command=printable(command),
        host=host,
        cpu_count=os.cpu_count(),
        cpu_model=cpu_model(),
        cpu_affinity=os.process_cpu_count(),
        cpu_quota=cpu_quota(),
        memory_mb=memory_mb(),
        load_average=os.getloadavg() if hasattr(os, "getloadavg") else None,
        platform=platform.platform(),
        python=f"{platform.python_implementation()} {platform.python_version()}",
        versions={package: version(package) for package in PACKAGES},
        git_commit=None if script_root is None else git_commit(script_root),
    )


COMPARED = ("host", "cpu_count", "cpu_model", "cpu_affinity", "cpu_quota", "python", "versions", "git_commit")
"""What must be the same for the figures of two sweeps to belong to one run."""


def write(folder: Path, measured_on: Environment) -> None:
    """Write environment.json into a run folder."""
    (folder / FILE_NAME).write_bytes(msgspec.json.format(msgspec.json.encode(measured_on), indent=2) + b"\n")


def read(folder: Path) -> Environment:
    """The environment a run was begun in. Raises UsageError when the folder holds none."""
    path = folder / FILE_NAME
    try:
        return msgspec.json.decode(path.read_bytes(), type=Environment)
    except (OSError, msgspec.DecodeError) as error:
        raise UsageError(
            f"{path}: {error}; --resume needs the folder of a run, as `functune sweep` writes it"
        ) from error


def differences(before: Environment, now: Environment) -> list[tuple[str, object, object]]:
    """What keeps two environments from being one, each with the value before and now."""
    return [
        (name, getattr(before, name), getattr(now, name))
        for name in COMPARED
        if getattr(before, name) != getattr(now, name)
    ]


def usable_cores() -> float | None:
    """The cores this process could use: the least of those there are, may be used and are granted; None if unknown."""
    known = (os.cpu_count(), os.process_cpu_count(), cpu_quota())
    return min((float(count) for count in known if count is not None), default=None)


def without_secret(command: Sequence[str], secret: str | None) -> list[str]:
    """The command with ``***`` wherever it holds the secret."""
    return [word.replace(secret, "***") if secret else word for word in command]


def printable(command: Sequence[str]) -> str:
    """The command as typed: the program's name without its path, and the home directory as ``~``."""
    if not command:
        return ""
    words = [Path(command[0]).name, *command[1:]]
    return shlex.join(words).replace(str(Path.home()), "~")


def cpu_model() -> str | None:
    """The processor's name."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or None


def cpu_quota(path: Path = Path("/sys/fs/cgroup/cpu.max")) -> float | None:
    """Cores the control group allows: ``200000 100000`` is two, ``max 100000`` is no limit."""
    if not path.exists():
        return None
    quota, period = path.read_text().split()
    return None if quota == "max" else int(quota) / int(period)


def memory_mb() -> int | None:
    """Physical memory in MiB."""
    if sys.platform == "win32":
        return None
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20


def git_commit(folder: Path) -> str | None:
    """The commit checked out where ``folder`` lies; None without git or outside of a repository."""
    # --always: the commit itself when no tag is near; --exclude: also when one is.
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=GIT_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
