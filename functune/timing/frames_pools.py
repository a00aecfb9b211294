"""
Threads that work for a call: those of executors and of anyio, and event loops that run inside of them.

Only frames and the locals of library functions are read.
"""

import asyncio
import functools
from asyncio.base_events import BaseEventLoop
from collections.abc import Iterator
from concurrent.futures.thread import _worker
from types import CodeType, FrameType, FunctionType, MethodType
from typing import Any

from functune.timing import frames_callee
from functune.timing.frames import library_path, stdlib_code

POOL_THREAD = stdlib_code(_worker)
"""The loop of a thread of an executor, which is the innermost frame of one without work."""
_LOOP_RUNS = (
    (stdlib_code(asyncio.Runner.run), "task"),
    (stdlib_code(BaseEventLoop.run_until_complete), "future"),
)
"""Functions that run an event loop until a task is done, each with the local that holds it."""
_QUEUED_CALL = {"run_in_threadpool", "run_sync_in_worker_thread"}
"""Functions that take a function of the reader's code in ``func`` and run it in a thread of anyio."""
_PARTIALS = 4
"""Partials that may stand around a function."""


def nested_task(stack: list[FrameType]) -> "asyncio.Task[Any] | None":
    """The task that a thread waits for in an event loop of its own, as ``asyncio.run`` in a ``def`` handler does."""
    if not library_path(stack[0].f_code.co_filename).startswith(("asyncio/", "selectors.py")):
        return None
    for frame in stack:
        for code, name in _LOOP_RUNS:
            if frame.f_code is code:
                task = frame.f_locals.get(name)
                return task if isinstance(task, asyncio.Task) else None
    return None


def serves_calls(frame: FrameType) -> bool:
    """Whether a frame is the loop of a pool thread, of ``concurrent.futures`` or anyio, or a worker of Gunicorn."""
    code = frame.f_code
    if code is POOL_THREAD:
        return True
    path = library_path(code.co_filename)
    return (code.co_name == "run" and path.startswith("anyio/")) or path.startswith("gunicorn/workers/")


def executor_work(stack: list[FrameType]) -> int | None:
    """The id of the future whose work a thread of an executor does; None for any other thread."""
    for frame in stack:
        if frame.f_code is POOL_THREAD:
            item = frame.f_locals.get("work_item")
            return None if item is None else id(item.future)
    return None


def runs_in_thread(frame: FrameType) -> bool:
    """Whether a frame is that of Starlette or anyio which runs its argument ``func`` in a thread."""
    code = frame.f_code
    return code.co_name in _QUEUED_CALL and library_path(code.co_filename).startswith(("starlette/", "anyio/"))


def routed_endpoint(frame: FrameType) -> Iterator[CodeType]:
    """The code of the endpoint that a frame of a route of Starlette or FastAPI serves."""
    if library_path(frame.f_code.co_filename) in {"starlette/routing.py", "fastapi/routing.py"}:
        route = frame.f_locals.get("self")
        endpoint = frames_callee.attribute(route, "endpoint")
        if type(endpoint) is FunctionType:
            yield endpoint.__code__


def passed_functions(frame: FrameType) -> Iterator[CodeType]:
    """The code of the function ``func``, of the functions inside of a partial, and of those passed to them."""
    level: list[Any] = [frame.f_locals.get("func")]
    for _ in range(_PARTIALS):
        yield from (each.__code__ for each in level if type(each) is FunctionType)
        partials = [each for each in level if type(each) is functools.partial]
        methods = [each.__func__ for each in level if type(each) is MethodType]
        level = [*methods, *(inner for each in partials for inner in (each.func, *each.args, *each.keywords.values()))]
