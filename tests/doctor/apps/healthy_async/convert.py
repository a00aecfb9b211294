"""A helper whose blocking part runs on a thread."""

import asyncio
import time


def _convert(text: str) -> str:
    time.sleep(1)
    return text.upper()


async def convert_on_thread(text: str) -> str:
    return await asyncio.to_thread(_convert, text)
