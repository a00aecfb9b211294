"""An app on the stand-in that costs little: it admits, waits, and names its worker as with the times file."""

import asyncio
import contextlib
import itertools
import time
from typing import Any

from tests.azure.stand_in import Answer, StandIn, reply

THREADS = "PYTHON_THREADPOOL_THREAD_COUNT"
LONGEST_WAIT = 3.0
"""Seconds for which a handler waits for other calls."""


class LightApp:
    """
    An ASGI application. A change of the site restarts it a moment later: calls in flight are dropped, and it comes back
    with a new pid. Calls look at the clock for that, so none is served from before a restart that is due.

    Instances take as many calls at a time as the site says; further calls wait. ``instances`` share them in turn.
    """

    def __init__(self, *, instances: int = 1) -> None:
        self.instances = instances
        self.is_silent = False
        """Whether the answers do not name their workers."""
        self.ignores_changes = False
        """Whether a change restarts it and does not take effect."""
        self.seconds = 0.05
        """Of the handler on an instance of 2048 MB; it takes as much longer as there is less memory."""
        self.delay = 0.2
        """Seconds from a change until the instances end."""
        self.away = 0.2
        """Seconds that a restart takes."""
        self.together = 1
        """Calls for which a handler waits, so that they run at the same time: those of one look at the app."""
        self.dropped = 0
        """Calls that a restart has dropped."""
        self.numbers = itertools.count()
        self.stand_in: StandIn | None = None
        self.generation = 0
        self.due: list[float] = []
        """The moments at which a change ends the instances."""
        self.places: list[asyncio.Semaphore] = []
        self.pools: list[asyncio.Semaphore] = []
        self.threads: list[set[int]] = []
        self.gathered: list[asyncio.Event] = []
        self.limits = (0, 0)
        self.memory_mb = 2048
        self.names_workers = False

    def attach(self, stand_in: StandIn) -> None:
        """Follow the changes of a site."""
        self.stand_in = stand_in
        stand_in.on_change = self.restart
        self.start()

    def restart(self) -> None:
        """The site has changed: the old instances serve on for a moment. Any thread may say so."""
        self.due.append(time.monotonic() + self.delay)

    def end_instances(self) -> None:
        """Drop the calls in flight where a change is due, and start anew with what the site has then."""
        while self.due and self.due[0] <= time.monotonic():
            del self.due[0]
            self.generation += 1
            self.places = []

    def start(self) -> None:
        """Read what the site has."""
        assert self.stand_in is not None
        if not self.ignores_changes or self.limits == (0, 0):
            triggers = self.stand_in.scale.get("triggers") or {}
            concurrency = (triggers.get("http") or {}).get("perInstanceConcurrency", 1)
            self.limits = concurrency, int(self.stand_in.settings.get(THREADS, "1000"))
            self.memory_mb = self.stand_in.scale["instanceMemoryMB"]
        self.names_workers = self.stand_in.settings.get("FUNCTUNE_TIMES") == "1"
        self.places = [asyncio.Semaphore(self.limits[0]) for _ in range(self.instances)]
        self.pools = [asyncio.Semaphore(self.limits[1]) for _ in range(self.instances)]
        self.threads = [set() for _ in range(self.instances)]
        self.gathered = [asyncio.Event() for _ in range(self.instances)]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.end_instances()
        generation = self.generation
        if not self.places:
            await asyncio.sleep(self.away)
            if not self.places:
                self.start()
        number = next(self.numbers) % self.instances
        threads, gathered = self.threads[number], self.gathered[number]
        async with self.places[number], self.pools[number]:
            answer = await self.answered(number, threads, gathered)
        self.end_instances()
        if generation != self.generation:
            self.dropped += 1
            answer = Answer(503, {"error": "the app restarts"})
        await reply(send, answer)

    async def answered(self, number: int, threads: set[int], gathered: asyncio.Event) -> Answer:
        """Run the handler on a free thread."""
        thread = next(each for each in itertools.count(1) if each not in threads)
        threads.add(thread)
        calls = len(threads)
        if calls >= self.together:
            gathered.set()
        try:
            with contextlib.suppress(TimeoutError):  # a restart may have taken some of them away
                await asyncio.wait_for(gathered.wait(), LONGEST_WAIT)
            await asyncio.sleep(self.seconds * 2048 / self.memory_mb)
        finally:
            threads.discard(thread)
            if not threads:
                gathered.clear()
        if self.is_silent or not self.names_workers:
            return Answer(200, {"ok": True})
        pid = 100 * self.generation + 17
        return Answer(
            200,
            {"ok": True},
            {
                "server-timing": f"service;dur={self.seconds * 1e3:.3f}, cpu;dur=0.100",
                "x-functune-worker": f"{pid};thread={thread};calls={calls};kind=def",
                "x-functune-instance": f"{number:04x}ab;server=functions",
            },
        )
