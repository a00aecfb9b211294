"""Work in an event loop of its own, even where the caller already runs one, as every notebook does."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from functune.packages.install import held_interrupt


def in_own_loop[T](work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """
    The result of the work, which runs in a thread of its own while this one waits.

    An interrupt of the waiting thread, such as CTRL+C or "stop" in a notebook, cancels the work. It is raised once the
    work has ended its hosts and its load.
    """
    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]]] = Future()

    async def noted() -> T:
        task = asyncio.current_task()
        assert task is not None
        started.set_result((asyncio.get_running_loop(), task))
        return await work()

    with ThreadPoolExecutor(1, thread_name_prefix="functune") as threads:
        try:
            with held_interrupt():  # from here on there is work to cancel
                done = threads.submit(lambda: asyncio.run(noted()))
            return done.result()
        except KeyboardInterrupt:
            loop, task = started.result()
            with contextlib.suppress(RuntimeError):  # the loop is closed: the work has just ended
                loop.call_soon_threadsafe(task.cancel)
            raise
