import asyncio


class SeatPlan:
    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._taken = 0

    async def take(self) -> int:
        async with self._lock:  # limit: lock of /api/seat
            await asyncio.sleep(0.01)
            self._taken += 1
        return self._taken


PLAN = SeatPlan()
