"""
Whether a command measures a run now: it holds a lock on environment.json meanwhile.

The kernel releases the lock when the command ends, however it ends. A command that measures takes an exclusive lock. A
command that asks takes a shared one: of two that ask at the same time, neither sees the other.
"""

import contextlib
import fcntl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from functune.errors import RunFolderError
from functune.run.environment import ENVIRONMENT

ASKED_SECONDS = 1.0
"""How long to wait for those who ask, which takes them no time. Whoever holds the lock longer measures."""
BETWEEN_TRIES = 0.01
"""Seconds."""


@contextlib.contextmanager
def being_measured(run: Path) -> Iterator[None]:
    """Hold the lock of a run folder. Raises RunFolderError where another command measures the run."""
    with (run / ENVIRONMENT).open("rb") as file:
        end = time.monotonic() + ASKED_SECONDS
        while not locks(file, fcntl.LOCK_EX):
            if time.monotonic() > end:
                require_not_measured(run)
            time.sleep(BETWEEN_TRIES)
        yield


def is_measured(run: Path) -> bool:
    """Whether a command holds the lock of a run folder. Raises FileNotFoundError where there is no run."""
    with (run / ENVIRONMENT).open("rb") as file:
        return not locks(file, fcntl.LOCK_SH)


def require_not_measured(run: Path) -> None:
    """Raise RunFolderError where a command measures the run now."""
    if is_measured(run):
        raise RunFolderError(f"another command is measuring {run} now: wait until it ends")


def locks(file: BinaryIO, kind: int) -> bool:
    """Whether the file could be locked; the lock ends when the file is closed."""
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
