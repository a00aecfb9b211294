"""A start of the app on the local host: how long its imports take, and the memory of an idle worker."""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import psutil

from functune.doctor.finding import StartFigures
from functune.doctor.reading.installed import SHARED_NAMESPACES
from functune.errors import AppError, HostError
from functune.host.settings import HostSettings, read_host_settings
from functune.hosts.configured import configured_setting
from functune.hosts.local import LocalHostKind
from functune.hosts.served_app import ServedApp
from functune.packages.virtual_environment import ReportProgress
from functune.packages.worker_start import WorkerStart, worker_start

SHOWN_IMPORTS = 5
_IMPORT_TIMEOUT = 120.0
"""Seconds, as long as the host gives a worker."""
_IMPORT = """
import sys
first, last, module = sys.argv[1].split("\\n"), sys.argv[2], sys.argv[3]
sys.path[:] = [*first, *(path for path in sys.path if path and path not in first), last]
__import__(module)
"""


class ImportRow(NamedTuple):
    """One line of ``-X importtime``. Seconds."""

    name: str
    own: float
    cumulative: float
    depth: int


async def measure_start(root: Path, entry: str, *, python: str | None, report: ReportProgress) -> StartFigures:
    """
    Start the app in the absolute path ``root`` on the local host with its present setting, and import it once more.

    Raises HostError where it does not start.
    """
    setting = configured_setting(root)
    report("Starting the app on the local host")
    # First, since its errors are the more exact ones.
    async with LocalHostKind(python).running(ServedApp(root), setting=setting) as host:
        if host.pid is None:
            raise HostError("the local host reports no process, so the memory of its workers is not known")
        memory = worker_memory_mb(host.pid)
    report("Importing the app")
    settings = read_host_settings(script_root=root, python=python)
    rows = import_rows(root, Path(entry).stem, worker_start(settings.packages, report), settings)
    return StartFigures(
        import_seconds=rows[-1].cumulative,
        imports=longest_imports(rows, root),
        worker_mb=memory,
        process_count=setting.process_count,
    )


def worker_memory_mb(pid: int) -> float:
    """The memory of the largest process that a host has started, in MB."""
    workers = psutil.Process(pid).children(recursive=True)
    return max((each.memory_info().rss for each in workers), default=0) / 2**20


def import_rows(root: Path, module: str, start: WorkerStart, settings: HostSettings) -> list[ImportRow]:
    """The lines of ``python -X importtime`` for the first file of the app, which is the last of them."""
    first = "\n".join(map(str, (*start.packages, start.offered)))
    command = [str(start.python), "-X", "importtime", "-c", _IMPORT, first, str(root), module]
    environ = {**settings.worker.environ, **start.variables}
    try:
        done = subprocess.run(
            command,
            cwd=root,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            timeout=_IMPORT_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise AppError(f"{module} in {root}: its import did not end within {_IMPORT_TIMEOUT:g} s") from error
    rows = [row for line in done.stderr.splitlines() if (row := import_row(line)) is not None]
    if done.returncode or not rows or rows[-1].name != module:
        said = [line for line in done.stderr.splitlines() if line and not line.startswith("import time:")]
        raise AppError(f"{root / module}.py cannot be imported: {said[-1] if said else 'no message'}")
    return rows


def import_row(line: str) -> ImportRow | None:
    """One line of the output: ``import time:  self [us] | cumulative | imported package``."""
    _, mark, rest = line.partition("import time:")
    parts = rest.split("|")
    if not mark or len(parts) != 3 or not parts[0].strip().isdecimal():
        return None
    name = parts[2].rstrip()
    depth = (len(name) - len(name.lstrip()) - 1) // 2
    return ImportRow(name.strip(), int(parts[0]) / 1e6, int(parts[1]) / 1e6, depth)


def longest_imports(rows: Sequence[ImportRow], root: Path) -> tuple[tuple[str, float], ...]:
    """
    The packages whose import takes the longest, each with all that it imports.

    A module of the app counts with its own statements alone, since all packages are imported below it.
    """
    seconds: dict[str, float] = {}
    around: list[ImportRow] = []
    for row in reversed(rows):  # a package is printed after what it imports
        while around and around[-1].depth >= row.depth:
            around.pop()
        package = imported_package(row.name)
        if (root / f"{package}.py").is_file() or (root / package).is_dir():
            seconds[row.name] = row.own
        elif not any(imported_package(each.name) == package for each in around):
            seconds[package] = seconds.get(package, 0.0) + row.cumulative
        around.append(row)
    longest = sorted(seconds.items(), key=lambda pair: -pair[1])
    return tuple(longest[:SHOWN_IMPORTS])


def imported_package(name: str) -> str:
    """The package of a module: its first part, or its first two below a namespace that many distributions share."""
    parts = name.split(".")
    return ".".join(parts[:2] if parts[0] in SHARED_NAMESPACES else parts[:1])
