"""
The number of requests the host admits at once: the throttle of host.json, and the concurrency of one Flex instance.

Source: HttpRequestQueue.cs, a block of bounded parallelism and capacity. Everything here runs on one event loop.
"""

import asyncio
from collections import deque

from functune.host.settings import HostSettings


class OverflowedError(Exception):
    """The gate is full, and the client gets 429. The message names the limit."""


class Gate:
    """
    Admits ``concurrent`` requests at a time; the others wait in the order of arrival::

        await gate.enter()
        try: ...
        finally: gate.leave()

    At most ``outstanding`` requests are admitted or waiting. None means no limit.
    """

    def __init__(self, name: str, *, concurrent: int | None = None, outstanding: int | None = None) -> None:
        self.outstanding = 0
        """The number of requests admitted or waiting."""
        self._name = name
        self._limit = outstanding
        self._free = concurrent
        """The number of free places; None for any number."""
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def enter(self) -> None:
        """Return when the request is admitted. Raises OverflowedError at once when there is no room to wait."""
        if self._limit is not None and self.outstanding >= self._limit:
            raise OverflowedError(f"Http request queue limit of {self._limit} has been exceeded ({self._name})")
        self.outstanding += 1
        if self._free is None:
            return
        if self._free:  # no request waits then: the first waiting one gets a place as soon as it is free
            self._free -= 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                if turn in self._waiting:
                    self._waiting.remove(turn)
                self.outstanding -= 1
            else:  # it was admitted at the moment it was cancelled
                self.leave()
            raise

    def leave(self) -> None:
        """Give the place to the next."""
        self.outstanding -= 1
        if self._free is None:
            return
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():  # otherwise it has just been cancelled
                turn.set_result(None)
                return
        self._free += 1


def gates(settings: HostSettings) -> tuple[Gate, ...]:
    """The gates that a request passes before it is routed, outermost first; none when nothing is limited."""
    found = []
    if settings.per_instance_concurrency is not None:
        found.append(Gate("--per-instance-concurrency", concurrent=settings.per_instance_concurrency))
    limits = settings.host_json
    concurrent = limits.max_concurrent_requests if limits.max_concurrent_requests > 0 else None
    outstanding = limits.max_outstanding_requests if limits.max_outstanding_requests > 0 else None
    if concurrent is not None or outstanding is not None:
        found.append(Gate("maxOutstandingRequests in host.json", concurrent=concurrent, outstanding=outstanding))
    return tuple(found)
