"""The thread pool that serves ``def`` handlers: what is configured, and the live executor."""

import os
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

SETTING = "PYTHON_THREADPOOL_THREAD_COUNT"
# Set by the local host when it injected the number itself. Azure's host injects it too and leaves no trace.
SOURCE_VARIABLE = "FUNCTUNE_THREAD_COUNT_SOURCE"
HOST_DEFAULT = 1000


@dataclass(frozen=True)
class ThreadSetting:
    """PYTHON_THREADPOOL_THREAD_COUNT as this worker sees it: its text, the usable number in it, where that is from."""

    text: str | None
    count: int | None
    source: str

    @property
    def configured(self) -> int | str | None:
        """The number, the text when it is no usable number, None when the variable is not set."""
        return self.text if self.count is None else self.count


def read_setting(environment: Mapping[str, str]) -> ThreadSetting:
    """
    Return the setting as the runtime reads it (azure_functions_runtime.utils.threadpool).

    A text ``int`` refuses, or a number below 1, is passed over with a warning in favour of Python's default.
    """
    text = environment.get(SETTING)
    if text is None:
        return ThreadSetting(None, None, "python default")
    try:
        count = int(text)
    except ValueError:
        count = 0
    if count < 1:
        return ThreadSetting(text, None, "python default")
    return ThreadSetting(
        text, count, "host default" if environment.get(SOURCE_VARIABLE) == "host default" else "app setting"
    )


def python_default() -> int:
    """How many threads ThreadPoolExecutor takes when nobody says: min(32, CPUs + 4)."""
    # Since 3.13 it counts the CPUs this process may use, before that those of the machine.
    if sys.version_info >= (3, 13):  # noqa: UP036 - the app also runs on the Pythons before
        return min(32, (os.process_cpu_count() or 1) + 4)
    return min(32, (os.cpu_count() or 1) + 4)


def live_executor() -> ThreadPoolExecutor | None:
    """The executor the runtime hands ``def`` handlers to; None where this process is no such worker."""
    # Through sys.modules: the app must run, and be tested, where the runtime is not installed.
    module = sys.modules.get("azure_functions_runtime.utils.threadpool")
    return None if module is None else module.get_threadpool_executor()


def describe(setting: ThreadSetting, executor: ThreadPoolExecutor | None) -> dict[str, Any]:
    """
    The probe's ``threadPool``.

    The executor has no public view of itself; these four attributes have had their names since Python 3.9.
    """
    live: dict[str, Any] = dict.fromkeys(("maxWorkers", "alive", "idle", "queued"))
    if executor is not None:
        threads = list(executor._threads)
        live = {
            "maxWorkers": executor._max_workers,
            "alive": sum(thread.is_alive() for thread in threads),
            "idle": executor._idle_semaphore._value,
            "queued": executor._work_queue.qsize(),
        }
    return {"configured": setting.configured, "source": setting.source, **live}
