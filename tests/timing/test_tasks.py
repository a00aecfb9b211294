"""Await chains of suspended tasks, down to the function that waits."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Generator
from typing import Any

import pytest

from functune.timing.frames_tasks import branches


async def leaf(event: asyncio.Event) -> None:
    await event.wait()


async def nested(event: asyncio.Event) -> None:
    await leaf(event)


async def numbers(event: asyncio.Event) -> AsyncIterator[int]:
    await leaf(event)
    yield 1


async def iterating(event: asyncio.Event) -> None:
    async for _ in numbers(event):
        pass


class Awaitable:
    """An awaitable of the app, which leads to a coroutine through an object of its own."""

    def __init__(self, event: asyncio.Event) -> None:
        self.event = event

    def __await__(self) -> Generator[Any]:
        return leaf(self.event).__await__()


async def awaiting_object(event: asyncio.Event) -> None:
    await Awaitable(event)


class Driver:
    """An awaitable that steps a coroutine by hand, as a driver that takes its times does."""

    __slots__ = ("coroutine",)

    def __init__(self, coroutine: Coroutine[Any, Any, None]) -> None:
        self.coroutine = coroutine

    def __await__(self) -> "Driver":
        return self

    def __iter__(self) -> "Driver":
        return self

    def __next__(self) -> Any:
        return self.coroutine.send(None)

    def send(self, value: Any) -> Any:
        return self.coroutine.send(value)


async def awaiting_driver(event: asyncio.Event) -> None:
    await Driver(leaf(event))


async def awaiting_task(event: asyncio.Event) -> None:
    await asyncio.create_task(nested(event))


async def gathering(event: asyncio.Event) -> None:
    await asyncio.gather(leaf(event), leaf(event))


async def grouping(event: asyncio.Event) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(leaf(event))
        group.create_task(leaf(event))


async def waiting(event: asyncio.Event) -> None:
    await asyncio.wait([asyncio.create_task(leaf(event))])


async def timing_out(event: asyncio.Event) -> None:
    await asyncio.wait_for(leaf(event), 60)


@pytest.mark.parametrize(
    ("function", "count"),
    [
        (nested, 1),
        (iterating, 1),
        (awaiting_object, 1),
        (awaiting_driver, 1),
        (awaiting_task, 1),
        (gathering, 2),
        (grouping, 2),
        (waiting, 1),
        (timing_out, 1),
    ],
)
async def test_chain_leads_to_the_function_that_waits(function: Any, count: int) -> None:
    event = asyncio.Event()
    task = asyncio.create_task(function(event))
    for _ in range(5):
        await asyncio.sleep(0)
    reached: set[int] = set()
    found = list(branches(task, reached))
    assert [branch.frames[0].f_code is function.__code__ for branch in found] == [True] * count
    assert [branch.frames[-2].f_code is leaf.__code__ for branch in found] == [True] * count
    assert [branch.frames[-1].f_code.co_qualname for branch in found] == ["Event.wait"] * count
    assert sum(branch.weight for branch in found) == pytest.approx(1)
    del found  # frames that are kept keep the task alive
    event.set()
    await task


async def test_task_that_is_ready_waits_for_no_future() -> None:
    event = asyncio.Event()
    task = asyncio.create_task(leaf(event))
    await asyncio.sleep(0)
    event.set()
    [branch] = branches(task, set())
    assert branch.future is None
    del branch
    await task
