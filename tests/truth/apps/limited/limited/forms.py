import asyncio
import time


def stored() -> str:
    time.sleep(0.03)
    return "stored"


async def checked() -> str:
    await asyncio.sleep(0.03)
    return "checked"
