"""Calls that occupy the threads of a pool until they are let go."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

_PATIENCE = 30.0
"""Seconds that a busy machine may take."""


class HeldCalls:
    """Calls on a pool that wait until the block ends; leaving it checks that all of them were let go."""

    def __init__(self, executor: ThreadPoolExecutor) -> None:
        self._executor = executor
        self._begun = threading.Semaphore(0)
        self._released = threading.Event()
        self._calls: list[Future[bool]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._released.set()
        assert all(call.result(timeout=_PATIENCE) for call in self._calls)

    def submit(self, count: int) -> None:
        """Give the pool this many calls."""
        self._calls += [self._executor.submit(self._hold) for _ in range(count)]

    def wait_until_begun(self, count: int) -> None:
        """Wait until this many calls have a thread: a thread takes its call from the queue after it was started."""
        assert all(self._begun.acquire(timeout=_PATIENCE) for _ in range(count))

    def _hold(self) -> bool:
        self._begun.release()
        return self._released.wait(_PATIENCE)
