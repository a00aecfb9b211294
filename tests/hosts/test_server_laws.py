"""
How many calls each class of workers runs at a time, which is known before web servers are measured.

By Little's law, T threads in each of P processes serve T P / S calls of S seconds, and never more. The lower bound is
wide enough for a busy machine, where the kernel also shares out the connections unevenly, and above what half of the
threads would serve. ``python -m bench law`` has narrow bounds.
"""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from bench.disturbed import folder_of, until
from functune.experiments.model import Experiment, Load, Matrix, Workload
from functune.hosts.kinds import RunningHost
from functune.hosts.local import LOCAL_HOST
from functune.hosts.registry import host_kind, kind_for_settings
from functune.hosts.served_app import ServedApp
from functune.load.host_calls import WorkerCalls, read_call_pages
from functune.run.environment import collect_environment
from functune.run.folder import RunFolder
from functune.run.measurement import Measurement
from functune.setting import Setting
from functune.sweep.run import measure_run
from functune.sweep.trials import Grid
from tests.host.serving import APPS
from tests.hosts.pool_threads import endpoint_threads
from tests.hosts.test_web_server import clients

LEAST, MOST = 0.6, 1.1
"""
The least and the most that may be measured, as shares of the throughput by Little's law. Where the load generator gets
no core for 0.2 s as the window opens, it reads the first answers late, and its window is shorter by that time. One more
thread would serve 1.125.
"""
SECONDS = 0.5
"""
How long a call takes. Two shared cores could serve ten times as many calls, and the 40 ms or so that a busy machine
adds to each are too few to confuse the numbers of processes.
"""
SLEEP = Workload(routes=(f"/api/sync/sleep?ms={SECONDS * 1000:g}",))
MAIN = ServedApp(APPS / "main")
ROOT = Path(__file__).parents[2]
FASTAPI = ROOT / "experiments" / "apps" / "fastapi"
TOKENS = 40
"""The threads of anyio's default limiter."""


class Case(NamedTuple):
    """A server, and how many users call it."""

    host: str
    threads: int | str
    processes: int
    users: int


async def measured(case: Case, path: Path) -> Measurement:
    """The one measurement of a sweep. Its window has a completion in each quarter, where its edges are placed."""
    settings = Matrix(host=(case.host,), thread_count=(case.threads,), process_count=(case.processes,))
    experiment = Experiment(
        name="laws",
        question="How many at a time?",
        workload=SLEEP,
        settings=settings,
        load=Load(users=(case.users,), warm_up=0.3, measure=8 * SECONDS, search="grid"),
    )
    here = collect_environment(script_root=MAIN.folder, host="", host_kind="local", command=[])
    folder = RunFolder.create(path, [experiment], here)
    end = await measure_run(
        folder,
        app=MAIN,
        kind=kind_for_settings(LOCAL_HOST, settings.host),
        planner=Grid(),
        on_progress=lambda _: None,
        calibrated=False,
        checked=False,
    )
    assert end.failures == 0, (path / "failures.jsonl").read_text()
    [found] = folder.measurements()
    assert found.errors == {}
    return found


async def test_threads_of_all_processes_serve_one_call_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A connection stays with the process that accepted it, and on a busy machine one process may accept all of them.

    So each is closed after its answer, and a process with nothing to do accepts the next one. And none holds more than
    40 of the 64, which leaves the other one enough for all its threads.
    """
    monkeypatch.setenv("GUNICORN_CMD_ARGS", "--keep-alive 0 --worker-connections 40")
    side_by_side = [Case("gunicorn:sync", "unset", 3, users=9), Case("gunicorn:gthread", 8, 2, users=64)]
    sweeps = (measured(case, tmp_path / case.host) for case in side_by_side)
    for case, found in zip(side_by_side, await asyncio.gather(*sweeps), strict=True):
        at_a_time = case.processes * (case.threads if isinstance(case.threads, int) else 1)
        assert LEAST < found.throughput / (at_a_time / SECONDS) < MOST, case
        assert len(found.worker_requests) == case.processes, case


async def test_fast_request_waits_for_two_slow_ones_on_two_sync_workers_only() -> None:
    """It is sent while both run. A thread of gthread answers it meanwhile, a sync worker has to end its own first."""
    async with AsyncExitStack() as stack:
        hosts = [
            await stack.enter_async_context(
                host_kind(name).running(MAIN, setting=Setting(process_count=2, thread_count=threads))
            )
            for name, threads in (("gunicorn:sync", None), ("gunicorn:gthread", 4))
        ]
        client = await stack.enter_async_context(clients())
        # The long time of gthread is what a busy machine may take for the fast request; sync has no such limit.
        sync, gthread = await asyncio.gather(
            *(ended_before_a_fast_one(client, host, ms) for host, ms in zip(hosts, (2000, 10_000), strict=True))
        )
    assert sync >= 1
    assert gthread == 0


async def ended_before_a_fast_one(client: httpx.AsyncClient, host: RunningHost, ms: int) -> int:
    """How many of two slow requests have ended when a fast one that was sent after them is answered."""
    url = f"{host.base_url}/api/sync/sleep"
    slow = [asyncio.create_task(client.get(url, params={"ms": ms})) for _ in range(2)]
    await until(lambda: sum(each.begun for each in calls_of(host)) == 2)
    assert (await client.get(url)).status_code == 200
    ended = sum(each.ended for each in calls_of(host)) - 1
    assert [answer.status_code for answer in await asyncio.gather(*slow)] == [200, 200]
    return ended


def calls_of(host: RunningHost) -> list[WorkerCalls]:
    """The calls of each worker until now."""
    return list(read_call_pages(folder_of(host)).workers.values())


async def test_def_endpoints_of_fastapi_run_in_40_threads_whatever_the_threads_of_the_host() -> None:
    """On the local host a function app is around the app, which is unchanged."""

    async def threads_of(name: str, entry: str | None, threads: int | None) -> int:
        app, setting = ServedApp(FASTAPI, entry=entry, root=ROOT), Setting(thread_count=threads)
        async with (
            host_kind(name).running(app, setting=setting) as host,
            httpx.AsyncClient(base_url=host.base_url, trust_env=False, verify=False, timeout=30) as client,
        ):
            return await endpoint_threads(client, "/report", expected=TOKENS)

    found = await asyncio.gather(threads_of("uvicorn", "main:app", None), threads_of("local", None, 4))
    assert found == [TOKENS, TOKENS]
