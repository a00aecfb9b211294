"""Web servers under load whose workers are killed or reloaded: no answer is lost, doubled or another request's."""

import asyncio
import os
import signal
import time

import pytest

from bench.disturbed import (
    Disturbed,
    busiest,
    disturbed,
    killing,
    open_calls_of,
    reloading,
    serving,
    until,
    workers,
)
from functune.experiments.subject import Subject
from functune.hosts.kinds import RunningHost
from functune.load import windows
from functune.load.records import LoadPlan
from functune.load.runner import finished_steps
from functune.load.windows import Place
from functune.setting import Setting

PROCESSES = 2
CONNECTIONS = 40
KILLS = 1
LONGEST = 0.4
"""Seconds of a call where the threads run many: the killed worker still has some, however late the kill comes."""
CUT_OFF = {"ConnectionResetError", "HTTPConnectionClosed", "HTTPParseError"}
"""Failures of a request whose connection ended, the last of them in the middle of the answer's headers."""


@pytest.mark.fault
@pytest.mark.parametrize("name", ["gunicorn:sync", "gunicorn:gthread", "gunicorn:asgi", "uvicorn"])
async def test_workers_that_are_killed_under_load_lose_only_the_requests_they_had(name: str) -> None:
    async with serving(name, setting(name)) as host:
        seen = await disturbed(
            host, lambda host: killing(host, kills=KILLS), connections=CONNECTIONS, longest=longest(name)
        )
    require_sound(seen)
    assert len(seen.begun) == PROCESSES + KILLS
    # A sync worker has one request at a time, or none.
    assert (0 if name == "gunicorn:sync" else 1) <= len(seen.tally.cut) <= KILLS * CONNECTIONS
    assert not seen.tally.failed


@pytest.mark.fault
@pytest.mark.parametrize("name", ["gunicorn:gthread", "gunicorn:asgi"])
async def test_reload_under_load_loses_no_call_that_a_worker_has_begun(name: str) -> None:
    async with serving(name, setting(name)) as host:
        seen = await disturbed(
            host, lambda host: reloading(host, reloads=1), connections=CONNECTIONS, longest=longest(name)
        )
    require_sound(seen)
    assert len(seen.begun) == 2 * PROCESSES
    assert sum(seen.begun.values()) == seen.tally.answers.total()
    assert not seen.tally.failed


def require_sound(seen: Disturbed) -> None:
    assert seen.faults == []
    assert seen.tally.answers.total() > CONNECTIONS


def longest(name: str) -> float:
    """Seconds of a call. Two sync workers serve one each, and each connection needs an answer."""
    return 0.1 if name == "gunicorn:sync" else LONGEST


def setting(name: str, processes: int = PROCESSES) -> Setting:
    return Setting(process_count=processes, thread_count=None if name == "gunicorn:sync" else 16)


@pytest.mark.fault
async def test_step_in_which_a_worker_is_killed_has_its_failures_and_no_figure_that_mixes_workers() -> None:
    of_four = setting("gunicorn:gthread", processes=4)
    killed: list[int] = []

    async def kill_each_second(host: RunningHost) -> None:
        """Not ``killing``: on a busy machine the step may be over before a killed worker is replaced."""
        while True:
            await until(lambda: len(workers(host)) > 1 and open_calls_of(host, busiest(host)) > 0)
            killed.append(busiest(host))
            os.kill(killed[-1], signal.SIGKILL)
            await asyncio.sleep(1)

    async with serving("gunicorn:gthread", of_four) as host:
        plan = LoadPlan(
            route="/api/sync/x?s=0.5",
            users=(CONNECTIONS,),
            warm_up=0.3,
            measure=4,
            host_pid=host.pid,
            calls_folder=host.calls_folder,
        )
        began, kills = time.time(), asyncio.create_task(kill_each_second(host))
        [(step, requests)] = [each async for each in finished_steps(plan, base_url=host.base_url)]
        kills.cancel()
        # Gunicorn logs the end of a worker when it has noticed it.
        await until(lambda: sum(host.worker_ends(began, time.time()).values()) >= len(killed))
        ends = host.worker_ends(began, time.time())
    found = windows.measure(step, requests, Place("kills", 0, Subject(route=plan.route), of_four))
    assert ends == {"SIGKILL": len(killed)}
    assert 0 < sum(found.errors.values()) <= ends["SIGKILL"] * CONNECTIONS
    assert set(found.errors) <= CUT_OFF
    # An answer that is cut off after its headers names its worker too.
    reported = sum(found.worker_requests.values()) - len(found.latencies_us)
    assert 0 <= reported <= sum(found.errors.values())
    assert (found.open_calls, found.host_cpu) == (None, None)
