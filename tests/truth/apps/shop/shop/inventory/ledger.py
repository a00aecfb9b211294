import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LEDGER = Path(tempfile.gettempdir()) / f"ledger-of-user-{os.getuid()}"


@contextmanager
def exclusive() -> Iterator[None]:
    with LEDGER.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # limit: lock of /api/ledger
        yield


def append(what: str) -> str:
    with exclusive():
        time.sleep(0.01)
    return what
