"""What the answers of an app on Azure show: whether it has restarted, and whether a setting took effect."""

import asyncio
import time
from collections.abc import Collection, Sequence

import httpx

from functune.azure.pace import Pace
from functune.base_url import shown_url
from functune.environ import URL_KEY
from functune.errors import HostError
from functune.hosts.app_client import COLD_START, app_client
from functune.setting import Setting
from functune.timing.asking import TIMES_ASKED
from functune.timing.header import INSTANCE, SERVER_TIMING, WORKER, ReportedCall, parse

type SeenWorker = tuple[str, int]
"""Instance and process. A process of another instance may have the same number."""

_LOOK = 4
"""Calls of one look at the app, since several instances may answer."""
_LOOKS = 3
"""Looks in a row with new workers only, after which the app counts as restarted."""
_LARGEST_WAVE = 32


class Witness:
    """
    Calls a route of an app. Use it as an async context manager.

    Its methods raise HostError where the app refuses the key, or does not answer in time.
    """

    def __init__(self, base_url: str, route: str, *, key: str | None, pace: Pace) -> None:
        self._pace = pace
        self._base_url = base_url
        self._url = base_url + route
        self._client = app_client(
            key,
            timeout=COLD_START,
            headers={TIMES_ASKED: "1"},
            limits=httpx.Limits(max_connections=_LARGEST_WAVE, max_keepalive_connections=0),
        )

    async def __aenter__(self) -> "Witness":
        await self._client.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._client.aclose()

    async def latency(self) -> float:
        """Seconds of a single call, after one that starts the app."""
        await self.workers()
        began = time.monotonic()
        await self._wave(1)
        return time.monotonic() - began

    async def workers(self) -> set[SeenWorker]:
        """The workers that answer now; none where the answers do not name them. Waits until the app answers."""
        began = time.monotonic()
        while (answers := await self._wave(_LOOK)) is None:
            if time.monotonic() - began > self._pace.restart_limit:
                raise HostError(f"{self._base_url} does not answer: is the app running there?")
            await asyncio.sleep(self._pace.look)
        return seen_workers(answers)

    async def restarted(self, before: Collection[SeenWorker], *, is_rolling: bool) -> bool:
        """
        Wait out a restart. Returns whether it was seen: only workers answer that did not before.

        Unseen, it waits the time that a restart takes.
        """
        began, in_a_row = time.monotonic(), 0
        unseen_limit = self._pace.unseen_restart(is_rolling=is_rolling)
        while True:
            answers = await self._wave(_LOOK)
            now = seen_workers(answers or ())
            in_a_row = in_a_row + 1 if now and not now & set(before) else 0
            if in_a_row == _LOOKS:
                return True
            took = time.monotonic() - began
            if answers is not None and took >= unseen_limit:
                return False
            if took >= self._pace.restart_limit:
                raise HostError(f"{self._base_url} did not answer for {took:.0f} s after its settings changed")
            await asyncio.sleep(self._pace.look)

    async def shows(self, setting: Setting) -> bool:
        """
        Whether answers name their workers and agree with the setting.

        Raises HostError where they contradict it: more calls at a time than an instance takes, or more threads.
        """
        size = min(2 * (setting.per_instance_concurrency or _LOOK), _LARGEST_WAVE)
        wrong = ""
        for _ in range(_LOOKS):  # a call of the last worker may have been in flight
            answers = [call for call in await self._wave(size) or () if call is not None]
            wrong = contradiction(answers, setting)
            if not wrong:
                return bool(answers)
            await asyncio.sleep(self._pace.look)
        raise HostError(f"{setting.in_words} did not take effect at {self._base_url}: {wrong}")

    async def _wave(self, size: int) -> list[ReportedCall | None] | None:
        """The reports of calls sent at once; None where the app is not up."""
        try:
            answers = await asyncio.gather(*(self._client.get(self._url) for _ in range(size)))
        except httpx.TransportError:
            return None
        for status in {answer.status_code for answer in answers}:
            if status in (401, 403):
                raise HostError(f"{shown_url(self._url)} answered {status}: set {URL_KEY}")
            if status in (502, 503, 504):
                return None
        return [
            parse(each.headers.get(WORKER), each.headers.get(SERVER_TIMING), each.headers.get(INSTANCE))
            for each in answers
        ]


def seen_workers(answers: Sequence[ReportedCall | None]) -> set[SeenWorker]:
    """The workers that answers name."""
    return {(call.instance, call.pid) for call in answers if call is not None}


def contradiction(answers: Sequence[ReportedCall], setting: Setting) -> str:
    """Why answers contradict a setting; empty where they do not."""
    limit, threads = setting.per_instance_concurrency, setting.thread_count
    at_once = max((call.calls for call in answers), default=0)
    if limit is not None and at_once > limit:
        return f"a process had {at_once} calls at a time, and an instance should take {limit}"
    used = max((threads_of(answers, worker) for worker in seen_workers(answers)), default=0)
    if threads is not None and used > threads:
        return f"a process used {used} threads, and it should have {threads}"
    return ""


def threads_of(answers: Sequence[ReportedCall], worker: SeenWorker) -> int:
    """The threads of a worker that ran ``def`` handlers."""
    return len({call.thread for call in answers if (call.instance, call.pid) == worker and call.kind == "def"})
