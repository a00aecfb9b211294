"""A pool of connections, as the drivers of databases have them."""

import queue
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Connection:
    def query(self, text: str) -> list[str]:
        time.sleep(0.03)
        return [text]


class ConnectionPool:
    def __init__(self, size: int) -> None:
        self._idle: queue.LifoQueue[Connection] = queue.LifoQueue(size)
        for _ in range(size):
            self._idle.put(Connection())

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        found = self._idle.get(timeout=30)  # limit: pool of /api/orders
        try:
            yield found
        finally:
            self._idle.put(found)
