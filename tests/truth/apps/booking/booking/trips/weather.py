import asyncio


async def today() -> str:
    await asyncio.sleep(0.1)
    return "rain"
