"""
The await chains of suspended tasks: from the coroutine of a task down to the line that waits.

A chain leads through coroutines, generators, asynchronous generators and the objects between them, through tasks that
are awaited, and through the futures of ``gather``, ``wait`` and a task group. Nothing of the app is called: attributes
are read past ``__getattr__``, and objects without attributes are followed by their references.
"""

import asyncio
import concurrent.futures
import gc
from asyncio.tasks import _GatheringFuture  # type: ignore[attr-defined]  # the future of gather, which leads to its tasks
from collections.abc import Iterable, Iterator
from types import AsyncGeneratorType, CoroutineType, FrameType, FunctionType, GeneratorType
from typing import Any, NamedTuple

from functune.timing.frames import is_functune, library_path

_MAX_LINKS = 400
_OPAQUE_LINKS = 3
"""Objects without a frame that may stand between two coroutines."""
_AWAITABLES = (CoroutineType, GeneratorType, AsyncGeneratorType)


class Branch(NamedTuple):
    """One await chain of a task."""

    frames: list[FrameType]
    """The outermost one first."""
    future: Any
    """The future that ends it; None for a task that is ready to run, or one that waits for none."""
    weight: float
    """The share of the task's time: a task that waits for several has a chain for each."""


def branches(task: "asyncio.Task[Any]", reached: set[int]) -> Iterator[Branch]:
    """The await chains of a task. The ids of the tasks they lead through are added to ``reached``."""
    yield from followed(task, [], 1.0, reached, depth=0)


def followed(
    task: "asyncio.Task[Any]", above: list[FrameType], weight: float, reached: set[int], *, depth: int
) -> Iterator[Branch]:
    """The chains of a task below the frames that await it."""
    frames = [*above, *coroutine_frames(asyncio.Task.get_coro(task))]
    waiter = awaited_future(task)
    children = awaited_tasks(frames, waiter)
    if not children or depth > _OPAQUE_LINKS * 10:
        yield Branch(frames, waiter, weight)
        return
    for child in children:
        if id(child) not in reached:
            reached.add(id(child))
            yield from followed(child, frames, weight / len(children), reached, depth=depth + 1)


def awaited_future(task: "asyncio.Task[Any]") -> Any:
    """The future that a task waits for; None for a task that is ready to run or is running."""
    waiter = object.__getattribute__(task, "_fut_waiter")
    return None if waiter is None or is_done(waiter) else waiter


def is_done(future: Any) -> bool:
    """Whether a future is done, by asyncio's own method."""
    return isinstance(future, asyncio.Future) and asyncio.Future.done(future)


def awaited_tasks(frames: list[FrameType], waiter: Any) -> list["asyncio.Task[Any]"]:
    """The tasks that a task waits for, as far as they are not done."""
    if isinstance(waiter, asyncio.Task):
        return [waiter]
    found: Iterable[Any] = ()
    if waiter is not None and isinstance(waiter, _GatheringFuture):
        found = object.__getattribute__(waiter, "_children")
    elif frames:
        found = group_of(frames[-1])
    tasks = [each for each in tuple(found) if isinstance(each, asyncio.Task)]
    return [each for each in tasks if not asyncio.Task.done(each)]


def group_of(frame: FrameType) -> Iterable[Any]:
    """The tasks of ``asyncio.wait`` or of a task group, which wait for futures that lead to no task."""
    match library_path(frame.f_code.co_filename), frame.f_code.co_qualname:
        case "asyncio/tasks.py", "_wait":
            return tuple(frame.f_locals.get("fs", ()))
        case "asyncio/taskgroups.py", _:
            group = frame.f_locals.get("self")
            return tuple(group._tasks) if type(group) is asyncio.TaskGroup else ()
    return ()


def coroutine_frames(start: Any) -> Iterator[FrameType]:
    """The frames of an await chain, the outermost one first."""
    current, seen = start, set[int]()
    while current is not None and id(current) not in seen and len(seen) < _MAX_LINKS:
        seen.add(id(current))
        match current:
            case CoroutineType():
                frame, below = current.cr_frame, current.cr_await
            case GeneratorType():
                frame, below = current.gi_frame, current.gi_yieldfrom
            case AsyncGeneratorType():
                frame, below = current.ag_frame, current.ag_await
            case _:
                return
        if frame is None:
            return
        yield frame
        if below is None and is_functune(frame.f_code):
            below = driven_coroutine(frame, seen)
        current = awaitable_below(below, seen)


def driven_coroutine(frame: FrameType, seen: set[int]) -> Any:
    """The coroutine that a driver of functune steps by hand, which takes its times."""
    return next(
        (each for each in frame.f_locals.values() if isinstance(each, _AWAITABLES) and id(each) not in seen), None
    )


def awaitable_below(value: Any, seen: set[int]) -> Any:
    """The coroutine or generator that an awaited object stands for, through objects that show nothing of themselves."""
    level = [value]
    for _ in range(_OPAQUE_LINKS):
        for each in level:
            if isinstance(each, _AWAITABLES) and id(each) not in seen:
                return each
        level = [below for each in level if is_opaque(each) for below in gc.get_referents(each)]
    return None


def is_opaque(value: Any) -> bool:
    """Whether an object may stand between two coroutines; futures, classes and modules lead elsewhere."""
    return value is not None and not isinstance(value, asyncio.Future | type | FrameType | FunctionType | str | int)


def executor_future(future: Any) -> "concurrent.futures.Future[Any] | None":
    """The future of an executor that an asyncio future stands for (``run_in_executor``); None for any other."""
    if not isinstance(future, asyncio.Future):
        return None
    callbacks = future._callbacks  # asyncio gives no other way from one to the other
    for callback in callbacks or ():
        function = callback[0]
        if isinstance(function, FunctionType) and function.__qualname__ == "_chain_future.<locals>._call_check_cancel":
            for cell in function.__closure__ or ():
                if isinstance(cell.cell_contents, concurrent.futures.Future):
                    return cell.cell_contents
    return None


def is_queued(future: "concurrent.futures.Future[Any]") -> bool:
    """Whether the work has not begun: every thread of the executor is busy."""
    return bool(future._state == "PENDING")  # running() would take the lock of the future
