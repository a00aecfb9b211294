import asyncio


async def of_next_week() -> str:
    return str(await asyncio.to_thread(expected, 80_000))


def expected(days: int) -> int:
    found = 0
    for day in range(days):
        found = (found * 31 + day) % 1_000_003  # limit: gil of /api/forecast
    return found
