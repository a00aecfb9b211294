"""Virtual environments in the user's cache folder: made once, by one process at a time, and never left half made."""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from functune.environ import cache_folder
from functune.errors import HostError

type ReportProgress = Callable[[str], None]
"""Called with each line of progress."""

_COMPLETE = "functune-complete"
"""A file written last. A folder without it was left by a process that was killed, and is made again."""
_KEY_LENGTH = 16
"""Hexadecimal digits, 64 bits: enough for the few environments of one user."""


@dataclass(frozen=True, slots=True)
class VirtualEnvironment:
    """A virtual environment in the folder ``path``."""

    path: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.path / "bin" / "python"

    def site_packages(self, library: str) -> Path:
        """Its package folder for the Python whose library folder is named ``library``, such as ``python3.13``."""
        return self.path / "lib" / library / "site-packages"

    def libraries(self) -> list[str]:
        """The names of the library folders that it has, such as ``python3.12``."""
        return sorted(folder.parent.name for folder in self.path.glob("lib/*/site-packages"))


def cached_environment(
    kind: str, parts: Sequence[str], make: Callable[[VirtualEnvironment], None], report: ReportProgress
) -> VirtualEnvironment:
    """
    The environment of ``kind`` whose content follows from ``parts``; ``make`` makes it when it is not there yet.

    A second process waits for the first. When ``make`` raises, the folder is removed. Raises HostError when the cache
    folder cannot be written.
    """
    folder = cache_folder() / kind / parts_digest(parts)
    if is_complete(folder):
        return VirtualEnvironment(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = folder.with_suffix(".lock").open("w")
    except OSError as error:
        raise HostError(
            f"the cache folder {cache_folder()} cannot be written: {error}. "
            "Set the environment variable XDG_CACHE_HOME to a folder that can"
        ) from error
    with lock:
        # An installer inherits the lock, so that the folder is not touched while that of a killed process runs.
        os.set_inheritable(lock.fileno(), True)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report(f"Waiting for another process that makes {folder}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_complete(folder):
            _fill(folder, make)
    return VirtualEnvironment(folder)


def parts_digest(parts: Iterable[str]) -> str:
    """A name for what follows from the parts."""
    return hashlib.sha256(os.fsencode("\0".join(parts))).hexdigest()[:_KEY_LENGTH]


def is_complete(folder: Path) -> bool:
    """Whether the environment in the folder was made to its end and can be used."""
    # The interpreter is a link, whose target may have been uninstalled since.
    return (folder / _COMPLETE).exists() and VirtualEnvironment(folder).python.exists()


def _fill(folder: Path, make: Callable[[VirtualEnvironment], None]) -> None:
    with suppress(FileNotFoundError):
        shutil.rmtree(folder)
    try:
        make(VirtualEnvironment(folder))
        (folder / _COMPLETE).touch()
    except BaseException:
        with suppress(FileNotFoundError):  # make failed before it made the folder
            shutil.rmtree(folder)
        raise
