import threading
import time

from shop import partner

MANY = partner.pool(64)


class Warehouse:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reserved = 0

    def reserve(self, item: str) -> int:
        with self._lock:  # limit: lock of /api/reserve
            self._write(item)
            self._reserved += 1
            return self._reserved

    def _write(self, item: str) -> None:
        time.sleep(0.01)


def stock_level(item: str) -> int:
    answer = MANY.request("GET", partner.url("/one-at-a-time"))  # limit: downstream of /api/stock-level
    return len(answer.data)
