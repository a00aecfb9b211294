"""Probes an app: sends the waves, and decides when to stop."""

import asyncio
import itertools
import time
from collections.abc import Callable

import httpx

from functune.base_url import base_url
from functune.certificates import system_certificates
from functune.errors import LoadError
from functune.probe.report import Configured, ProbeReport, Wave
from functune.probe.sightings import Sighting, sighting
from functune.probe.target import (
    ProbeRequest,
    ProbeTarget,
    RequestTarget,
    ShowcaseTarget,
    answer_of,
    configured_by_host,
    configured_by_showcase,
    showcase_base,
)
from functune.timing.asking import TIMES_ASKED

DEFAULT_LARGEST_WAVE = 128
MAX_LARGEST_WAVE = 1024
_TIMEOUT = 120.0
_PAUSE = 0.2


async def probe_app(
    url: str,
    *,
    request: ProbeRequest | None = None,
    configured: Configured | None = None,
    key: str | None = None,
    largest_wave: int = DEFAULT_LARGEST_WAVE,
    on_wave: Callable[[Wave], None] = lambda _: None,
) -> ProbeReport:
    """
    Probe the app at ``url``, its base, by ``request``; without one, the showcase by its sleeping handler.

    ``configured`` is what the host was started with; without it, the app or its host is asked.
    ``key`` is sent as ``x-functions-key``, ``on_wave`` is called after each wave. Raises UsageError for a text that is
    not a URL, LoadError when the app cannot be reached, or its answers do not name the worker that made them.
    """
    base = base_url(url)
    async with httpx.AsyncClient(
        base_url=base if request else showcase_base(base),
        headers={TIMES_ASKED: "1"} | ({"x-functions-key": key} if key else {}),
        # A server may close an idle connection just as the next call is sent on it, Gunicorn after 2 s.
        limits=httpx.Limits(max_connections=largest_wave, max_keepalive_connections=0),
        timeout=_TIMEOUT,
        trust_env=False,
        verify=system_certificates(),
    ) as client:
        ask = configured_by_host if request else configured_by_showcase
        target = RequestTarget(request) if request else ShowcaseTarget()
        return await _counted(Waves(client, target, on_wave), configured or await ask(client), largest_wave)


async def _counted(waves: "Waves", configured: Configured, largest_wave: int) -> ProbeReport:
    for size in itertools.takewhile(lambda size: size <= largest_wave, (2**n for n in itertools.count())):
        await waves.send(size)
        report = waves.report(configured)
        is_doubtful = bool(report.disagreements) if report.is_exact else size * 2 > largest_wave
        if is_doubtful:  # some calls may not have overlapped
            await waves.repeat(size)
            report = waves.report(configured)
        if report.is_settled:
            break
    return report


class Waves:
    """The waves sent so far."""

    def __init__(self, client: httpx.AsyncClient, target: ProbeTarget, on_wave: Callable[[Wave], None]) -> None:
        self._client = client
        self._target = target
        self._on_wave = on_wave
        self._sent: list[Wave] = []

    def report(self, configured: Configured) -> ProbeReport:
        """What they show."""
        return ProbeReport(configured, tuple(self._sent), self._target.is_stretched)

    async def send(self, size: int, factor: int = 1) -> Wave:
        """Send a wave, of calls that take ``factor`` times as long as usual where the target can do that."""
        # Let the threads of the last wave become idle. CPython's pool marks a thread as idle a moment after its call
        # has ended. A call in between starts one thread too many, and the spare mark later stops the pool from starting
        # one that it needs. The pool then stays smaller than the wave: correctly counted, but useless for the
        # comparison.
        await asyncio.sleep(_PAUSE)
        request = self._target.request(size, factor)
        began = time.perf_counter()
        answers = await asyncio.gather(*(answer_of(self._client, request, size=size) for _ in range(size)))
        wave = Wave(tuple(self._named(request, answer) for answer in answers), time.perf_counter() - began)
        self._sent.append(wave)
        self._on_wave(wave)
        return wave

    async def repeat(self, size: int) -> None:
        """
        Repeat the last wave, with twice the time each time, until every call has had a thread of its own.

        One repeat without growth is enough for a pool that is clearly smaller than the wave.
        """
        last, factor = self._sent[-1], 2
        while last.total_threads < size and self._target.can_take(size, factor):
            before, last = last, await self.send(size, factor)
            if last.total_threads <= min(before.total_threads, size / 2):
                break
            factor *= 2

    def _named(self, request: ProbeRequest, answer: httpx.Response) -> Sighting:
        found = sighting(answer)
        if found is None:
            raise LoadError(
                f"the answer of {request} does not name the process and thread that made it, so they cannot be "
                "counted. The local host of functune names them; anywhere else the app does with the file that "
                "`functune instrument` writes, and FUNCTUNE_TIMES=1"
            )
        return found
