import asyncio
import time


def draw() -> str:
    time.sleep(0.05)
    return "ticket"


async def printed() -> str:
    return await asyncio.to_thread(draw)  # limit: pool of /api/ticket
