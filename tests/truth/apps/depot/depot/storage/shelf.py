import asyncio
import functools
import threading
import time
from typing import Self


class Shelf:
    def __init__(self) -> None:
        self._printer = threading.Lock()

    @classmethod
    @functools.cache
    def shared(cls) -> Self:
        return cls()

    async def label(self) -> str:
        return await asyncio.to_thread(self._print)

    def _print(self) -> str:
        with self._printer:  # limit: lock of /api/label
            time.sleep(0.02)
        return "label"
