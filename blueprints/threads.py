"""The thread pool that serves ``def`` handlers: its setting, and the live executor."""

import os
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

SETTING = "PYTHON_THREADPOOL_THREAD_COUNT"
# The local host sets it when it injects the number. Azure's host also injects the number, but leaves no trace.
SOURCE_VARIABLE = "FUNCTUNE_THREAD_COUNT_SOURCE"
HOST_DEFAULT = 1000


@dataclass(frozen=True)
class ThreadSetting:
    """PYTHON_THREADPOOL_THREAD_COUNT in this worker: the text, the number in it if it is valid, and its source."""

    text: str | None
    count: int | None
    source: str

    @property
    def configured(self) -> int | str | None:
        """The number, the text when it is not a valid number, None when the variable is not set."""
        return self.text if self.count is None else self.count


def read_setting(environment: Mapping[str, str]) -> ThreadSetting:
    """
    Return the setting as the runtime reads it (azure_functions_runtime.utils.threadpool).

    When ``int`` refuses the text, or the number is below 1, the runtime logs a warning and uses Python's default.
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
    """The default number of threads of ThreadPoolExecutor: min(32, CPUs + 4)."""
    # Since 3.13 it counts the CPUs that this process may use; earlier versions count those of the machine.
    if sys.version_info >= (3, 13):  # noqa: UP036 - the app also runs on earlier versions
        return min(32, (os.process_cpu_count() or 1) + 4)
    return min(32, (os.cpu_count() or 1) + 4)


def live_executor() -> ThreadPoolExecutor | None:
    """The executor on which the runtime runs ``def`` handlers; None when this process is not such a worker."""
    # Through sys.modules, because the app must also run where the runtime is not installed.
    module = sys.modules.get("azure_functions_runtime.utils.threadpool")
    executor = None if module is None else module.get_threadpool_executor()
    # A WSGI server runs the handlers in its own threads, and the runtime has no pool there.
    return executor if isinstance(executor, ThreadPoolExecutor) else None


def describe(setting: ThreadSetting, executor: ThreadPoolExecutor | None) -> dict[str, Any]:
    """
    The ``threadPool`` of the probe.

    The executor has no public API for these values; the four attributes have had these names since Python 3.9.
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
