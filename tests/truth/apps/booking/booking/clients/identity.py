import functools
import time
from collections.abc import Awaitable, Callable


def retried(call: Callable[[int], Awaitable[str]]) -> Callable[[], Awaitable[str]]:
    @functools.wraps(call)
    async def wrapper() -> str:
        for attempt in range(3):
            if found := await call(attempt):
                return found
            back_off(attempt)
        return ""

    return wrapper


def back_off(attempt: int) -> None:
    time.sleep(0.02 * (attempt + 1))  # limit: event_loop_blocked of /api/token


@retried
async def token(attempt: int) -> str:
    return "token" if attempt else ""
