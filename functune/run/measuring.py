"""
Whether a command measures a run now: it holds a lock on environment.json meanwhile.

The kernel lets go of the lock when the command ends, however it ends.
"""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from functune.run.folder import ENVIRONMENT


@contextlib.contextmanager
def being_measured(run: Path) -> Iterator[None]:
    """Hold the lock of a run folder."""
    with (run / ENVIRONMENT).open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        yield


def is_measured(run: Path) -> bool:
    """Whether a command holds the lock of a run folder. Raises FileNotFoundError where there is no run."""
    with (run / ENVIRONMENT).open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False
