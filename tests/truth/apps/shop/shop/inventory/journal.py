import os
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path

JOURNAL = Path(tempfile.gettempdir()) / f"journal-of-user-{os.getuid()}.db"


def connect() -> sqlite3.Connection:
    return sqlite3.connect(JOURNAL, timeout=30, isolation_level=None)


def book(item: str, count: int) -> int:
    with closing(connect()) as connection:
        connection.execute("BEGIN IMMEDIATE")  # limit: lock of /api/journal
        time.sleep(0.01)
        connection.execute("COMMIT")
    return count
