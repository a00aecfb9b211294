import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

PLACES = asyncio.Semaphore(3)
SLOTS: asyncio.Queue[int] = asyncio.Queue()
for number in range(2):
    SLOTS.put_nowait(number)


async def ask(agency: str) -> str:
    async with PLACES:  # limit: pool of /api/agencies
        await asyncio.sleep(0.03)
    return agency


async def ask_all() -> list[str]:
    return await asyncio.gather(ask("north"), ask("south"))


@asynccontextmanager
async def borrowed() -> AsyncIterator[int]:
    taken = await SLOTS.get()  # limit: pool of /api/slots
    try:
        yield taken
    finally:
        SLOTS.put_nowait(taken)


async def slot() -> int:
    async with borrowed() as taken:
        await asyncio.sleep(0.03)
        return taken
