import asyncio
from itertools import pairwise, permutations

STOPS = range(7)


async def cheapest() -> int:
    await asyncio.sleep(0.03)
    return min(length(order) for order in permutations(STOPS))


def length(order: tuple[int, ...]) -> int:
    total = 0
    for here, there in pairwise(order):
        for hop in range(4):
            total += (here * 7 + there * 3 + hop) % 11  # limit: event_loop_busy of /api/itinerary
    return total
