"""What a probe has counted, how far the counts can be believed, and where they differ from the configuration."""

from collections import Counter, defaultdict
from dataclasses import dataclass

from functune.formatting import plural
from functune.probe.sightings import ServingWorker, Sighting

SMALLEST_LAST_WAVE = 16
"""A host has at most 10 worker processes, which it uses in turn: 16 calls reach all of them."""
_SHORTEST_SPACING = 0.00025
"""Seconds between two calls of a wave; no client and host of this project was faster on any machine."""


@dataclass(frozen=True, slots=True)
class Wave:
    """Calls sent at once, and the seconds from the first request to the last answer."""

    sightings: tuple[Sighting, ...]
    seconds: float

    @property
    def size(self) -> int:
        """The number of calls."""
        return len(self.sightings)

    @property
    def threads(self) -> dict[ServingWorker, int]:
        """The distinct threads that answered, by worker."""
        seen: dict[ServingWorker, set[int]] = defaultdict(set)
        for each in self.sightings:
            seen[each.worker].add(each.thread)
        return {worker: len(threads) for worker, threads in seen.items()}

    @property
    def total_threads(self) -> int:
        """Distinct threads over all workers."""
        return sum(self.threads.values())

    @property
    def services(self) -> list[float]:
        """The service of each call, in seconds; empty unless every answer says it."""
        known = [each.service for each in self.sightings if each.service is not None]
        return known if len(known) == self.size else []


@dataclass(frozen=True, slots=True)
class Configured:
    """The counts that the app or its host reports from inside; None where neither knows them."""

    thread_count: int | None = None
    thread_count_source: str | None = None
    process_count: int | None = None


@dataclass(frozen=True, slots=True)
class ProbeReport:
    """The configured counts and the waves that were measured."""

    configured: Configured
    waves: tuple[Wave, ...]
    is_stretched: bool = False
    """Whether the calls of a wave were made so long that they overlap, whatever the number of threads."""

    @property
    def threads(self) -> dict[ServingWorker, int]:
        """The most distinct threads in any wave, by worker."""
        counted: dict[ServingWorker, int] = {}
        for wave in self.waves:
            for worker, count in wave.threads.items():
                counted[worker] = max(count, counted.get(worker, 0))
        return counted

    @property
    def is_async(self) -> bool:
        """Whether the handler is an ``async def``: the thread it runs on is the event loop's, of which each has one."""
        return all(each.kind == "async" for wave in self.waves for each in wave.sightings)

    @property
    def instances(self) -> set[str]:
        """The instances of the workers; an empty name for those that are not named."""
        return {worker.instance for worker in self.threads}

    @property
    def is_in_turn(self) -> bool:
        """Whether the host uses its workers in turn, by the last wave."""
        return all(each.in_turn for each in self.waves[-1].sightings)

    @property
    def is_settled(self) -> bool:
        """
        Whether each worker got twice as many calls in the last wave as it used threads, and no wave used more.

        A host of Functions uses its workers in turn; with other servers, one may get most of the calls. The workers of
        those have equally many threads, so where they used different numbers, one got too few calls at a time.
        """
        if len(self.waves) < 2 or self.waves[-1].size < SMALLEST_LAST_WAVE:
            return False
        before, last = self.waves[-2:]
        calls = Counter(each.worker for each in last.sightings)
        return (
            before.threads == last.threads == self.threads
            and (self.is_in_turn or len(set(last.threads.values())) == 1)
            and all(calls[worker] >= 2 * count for worker, count in last.threads.items())
        )

    @property
    def is_exact(self) -> bool:
        """Whether the thread count stopped growing for want of threads; False when it is a lower bound only."""
        return self.is_settled and (self.is_async or self.is_stretched or self._overlaps)

    @property
    def has_all_workers(self) -> bool:
        """Whether a host that uses its workers in turn has shown no new one in a wave large enough for all of them."""
        enough = max(SMALLEST_LAST_WAVE, 4 * len(self.threads))
        if not self.is_in_turn or len(self.waves) < 2 or self.waves[-1].size < enough:
            return False
        return set(self.waves[-1].threads) <= {worker for wave in self.waves[:-1] for worker in wave.threads}

    @property
    def _overlaps(self) -> bool:
        """
        Whether the calls last so long that twice as many could have been served at once, if there had been threads.

        A call that ends before the next one is sent leaves its thread to that one. The time between two calls comes
        from the largest wave of which every call had a thread of its own, less what a single call takes around its
        handler.
        """
        last, services = self.waves[-1], self.waves[-1].services
        free = [wave for wave in self.waves if wave.services and wave.total_threads == wave.size]
        if not services or not free:
            return False
        alone, most = free[0], max(free, key=lambda wave: wave.size)
        around = alone.seconds - max(alone.services)
        spacing = max((most.seconds - max(most.services) - around) / most.size, _SHORTEST_SPACING)
        return min(services) / spacing >= 2 * last.total_threads

    @property
    def disagreements(self) -> list[str]:
        """Differences between the counted and the configured numbers, as sentences; empty when they agree."""
        return [*self._of_processes(), *([] if self.is_async else self._of_threads())]

    def _of_processes(self) -> list[str]:
        expected = self.configured.process_count
        if expected is None:
            return []
        counts = {name: sum(worker.instance == name for worker in self.threads) for name in sorted(self.instances)}
        return [
            f"{plural(expected, 'worker process')} configured, {count} answered"
            + (f" on instance {name}" if len(counts) > 1 else "")
            for name, count in counts.items()
            if count != expected
        ]

    def _of_threads(self) -> list[str]:
        expected = self.configured.thread_count
        if expected is None:
            return []
        return [
            f"{plural(expected, 'thread')} per worker configured, worker {worker.pid} used {count}"
            for worker, count in sorted(self.threads.items())
            if count > expected or (self.is_exact and count != expected)
        ]
