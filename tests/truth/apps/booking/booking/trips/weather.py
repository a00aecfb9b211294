import asyncio


async def today() -> str:
    await asyncio.sleep(0.03)
    return "rain"
