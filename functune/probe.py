"""
Counts the worker processes and threads that serve an app from outside, to compare with its configured counts.

It sends sleeping sync calls in waves of 1, 2, 4, … at once. Every answer names its worker process and thread, and the
distinct threads of a wave are the count: a pool of T threads shows at most T of them in any wave, and exactly T once
the wave is large enough.
"""

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from functune.errors import LoadError, UsageError

DEFAULT_LARGEST_WAVE = 128
MAX_LARGEST_WAVE = 1024
SMALLEST_LAST_WAVE = 16
"""A host has at most 10 worker processes, which it uses in turn: 16 calls reach all of them."""
_TIMEOUT = 120.0
_LONGEST_SLEEP_MS = 8_000
_PAUSE = 0.2
_SLEEP_ROUTE = "/sync/sleep"
_PROBE_ROUTE = "/concurrency-probe"


@dataclass(frozen=True, slots=True)
class Wave:
    """Calls sent at once: ``size`` is their number, ``threads`` the distinct threads that answered, by worker pid."""

    size: int
    threads: dict[int, int]

    @property
    def total_threads(self) -> int:
        """Distinct threads over all workers."""
        return sum(self.threads.values())


@dataclass(frozen=True, slots=True)
class Configured:
    """The counts that the app's concurrency-probe reports from inside; None where it does not know them."""

    thread_count: int | None
    thread_count_source: str | None
    process_count: int | None
    plan: str | None


@dataclass(frozen=True, slots=True)
class ProbeReport:
    """The configured counts and the waves that were measured."""

    configured: Configured
    waves: tuple[Wave, ...]
    is_exact: bool
    """Whether the thread count stopped growing; False when the largest wave gives a lower bound only."""

    @property
    def threads(self) -> dict[int, int]:
        """The most distinct threads in any wave, by worker pid."""
        counted: dict[int, int] = {}
        for wave in self.waves:
            for pid, count in wave.threads.items():
                counted[pid] = max(count, counted.get(pid, 0))
        return counted

    @property
    def disagreements(self) -> list[str]:
        """Differences between the counted and the configured numbers, as sentences; empty when they agree."""
        found = []
        threads, process_count, thread_count = self.threads, self.configured.process_count, self.configured.thread_count
        if process_count is not None and len(threads) != process_count:
            found.append(f"{process_count} worker process(es) are configured, {len(threads)} answered")
        if thread_count is not None:
            for pid, count in sorted(threads.items()):
                if count > thread_count or (self.is_exact and count != thread_count):
                    found.append(f"{thread_count} thread(s) per worker are configured, worker {pid} used {count}")
        return found


async def probe_app(
    url: str,
    *,
    key: str | None = None,
    largest_wave: int = DEFAULT_LARGEST_WAVE,
    on_wave: Callable[[Wave], None] = lambda _: None,
) -> ProbeReport:
    """
    Probe the app at ``url`` (its base, with or without the route prefix ``/api``).

    ``key`` is sent as ``x-functions-key``, ``on_wave`` is called after each wave. Raises UsageError for a text that is
    not a URL, LoadError when the app cannot be reached or does not answer as the showcase does.
    """
    headers = {"x-functions-key": key} if key else {}
    limits = httpx.Limits(max_connections=largest_wave)
    async with httpx.AsyncClient(
        base_url=_api_url(url), headers=headers, limits=limits, timeout=_TIMEOUT, trust_env=False
    ) as client:
        configured = _configured(await _get(client, _PROBE_ROUTE))
        waves: list[Wave] = []
        report = _report(configured, waves)
        for size in itertools.takewhile(lambda size: size <= largest_wave, (2**n for n in itertools.count())):
            waves.append(await _wave(client, size, _sleep_ms(size)))
            on_wave(waves[-1])
            report = _report(configured, waves)
            is_doubtful = bool(report.disagreements) if report.is_exact else size * 2 > largest_wave
            if is_doubtful:
                # Repeat with longer sleeps before reporting a difference: some calls may not have overlapped.
                waves += await _confirm(client, size, waves[-1], on_wave)
                report = _report(configured, waves)
            if report.is_exact:
                break
    return report


def _report(configured: Configured, waves: list[Wave]) -> ProbeReport:
    return ProbeReport(configured, tuple(waves), is_exact=_is_settled(waves))


def _sleep_ms(size: int) -> int:
    """A sleep so long that the last call of a wave arrives while the first still sleeps, with 8 ms for each call."""
    return max(40, 8 * size)


async def _confirm(client: httpx.AsyncClient, size: int, wave: Wave, on_wave: Callable[[Wave], None]) -> list[Wave]:
    """
    Repeat a wave, with twice the sleep each time, until every call has had a thread of its own.

    One repeat without growth is enough for a pool that is clearly smaller than the wave.
    """
    repeats = [wave]
    sleep_ms = _sleep_ms(size)
    while repeats[-1].total_threads < size and sleep_ms <= _LONGEST_SLEEP_MS / 2:
        sleep_ms *= 2
        repeats.append(await _wave(client, size, sleep_ms))
        on_wave(repeats[-1])
        if repeats[-1].total_threads <= min(repeats[-2].total_threads, size / 2):
            break
    return repeats[1:]


def _api_url(url: str) -> str:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise UsageError(f"'{url}' is not a URL: {error}") from error
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise UsageError(f"'{url}' is not a URL; give the app's base, such as http://127.0.0.1:7071")
    return str(parsed) if parsed.path.strip("/") else str(parsed.copy_with(path="/api"))


def _is_settled(waves: list[Wave]) -> bool:
    """Whether the last wave had twice as many calls as threads, and no more threads than the wave before."""
    if len(waves) < 2:
        return False
    before, last = waves[-2:]
    return (
        last.size >= SMALLEST_LAST_WAVE
        and last.size >= 2 * last.total_threads
        and last.total_threads == before.total_threads
    )


async def _wave(client: httpx.AsyncClient, size: int, sleep_ms: int) -> Wave:
    # Let the threads of the last wave become idle. CPython's pool marks a thread as idle a moment after its call has
    # ended. A call in between starts one thread too many, and the spare mark later stops the pool from starting one
    # that it needs. The pool then stays smaller than the wave: correctly counted, but useless for the comparison.
    await asyncio.sleep(_PAUSE)
    answers = await asyncio.gather(*(_get(client, _SLEEP_ROUTE, ms=sleep_ms) for _ in range(size)))
    threads: dict[int, set[int]] = {}
    for answer in answers:
        try:
            worker = answer["worker"]
            threads.setdefault(worker["pid"], set()).add(worker["thread"])
        except (KeyError, TypeError) as error:
            raise LoadError(
                f"the answer of {_SLEEP_ROUTE} names no worker; is {client.base_url} this showcase?"
            ) from error
    return Wave(size, {pid: len(seen) for pid, seen in threads.items()})


async def _get(client: httpx.AsyncClient, route: str, **parameters: int) -> dict[str, Any]:
    try:
        response = await client.get(route, params=parameters)
    except httpx.HTTPError as error:
        raise LoadError(
            f"{client.base_url} cannot be reached: {type(error).__name__}: {error}. Is the host running?"
        ) from error
    if response.status_code in {401, 403}:
        raise LoadError(f"{route} answered {response.status_code}: give a function key with --key")
    if response.status_code != 200:
        raise LoadError(f"{route} answered {response.status_code}, not 200; is {client.base_url} this showcase?")
    try:
        document = response.json()
    except ValueError as error:
        raise LoadError(f"{route} did not answer JSON; is {client.base_url} this showcase?") from error
    if not isinstance(document, dict):
        raise LoadError(f"{route} did not answer a JSON object; is {client.base_url} this showcase?")
    return document


def _configured(report: dict[str, Any]) -> Configured:
    try:
        pool, processes = report["threadPool"], report["workerProcesses"]
        return Configured(
            thread_count=pool["maxWorkers"],
            thread_count_source=pool["source"],
            process_count=processes["effective"],
            plan=report["platform"]["plan"],
        )
    except (KeyError, TypeError) as error:
        raise LoadError(f"{_PROBE_ROUTE} lacks {error}; is this the showcase app, and its current version?") from error


def describe(report: ProbeReport) -> list[str]:
    """The report as lines of text: the configured and the counted numbers, and their differences."""
    configured, threads = report.configured, report.threads
    source = f" ({configured.thread_count_source})" if configured.thread_count_source else ""
    at_least = "" if report.is_exact else "at least "
    lines = [
        "                     configured          counted from outside",
        f"worker processes     {_shown(configured.process_count):<20}{len(threads)}",
        f"threads per worker   {_shown(configured.thread_count) + source:<20}"
        + at_least
        + (str(min(threads.values())) if len(set(threads.values())) == 1 else _by_worker(threads)),
        f"threads in total     {_total(configured):<20}{at_least}{sum(threads.values())}",
    ]
    return [*lines, "", *(report.disagreements or ["They agree."])]


def _shown(value: int | None) -> str:
    return "unknown" if value is None else str(value)


def _total(configured: Configured) -> str:
    if configured.thread_count is None or configured.process_count is None:
        return "unknown"
    return str(configured.thread_count * configured.process_count)


def _by_worker(threads: dict[int, int]) -> str:
    return ", ".join(f"{count} in {pid}" for pid, count in sorted(threads.items()))
