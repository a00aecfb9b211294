"""The server an app under load calls, as a real process."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import httpx
import psutil

from functune.experiments.model import Experiment, Load, Matrix, Target, Workload
from functune.hosts.local import LOCAL_HOST
from functune.hosts.served_app import ServedApp
from functune.load.target import target_settings
from functune.run.environment import Environment
from functune.run.folder import RunFolder
from functune.sweep.run import measure_run
from functune.sweep.trials import Grid
from tests.load.loads import PATIENCE, has_ended, wait_until

ROOT = Path(__file__).parents[2]


async def test_target_answers_each_url_after_the_delay() -> None:
    async with target_settings(Target(delay_ms=40, urls=3)) as found:
        urls = found["FETCH_URLS"].split(",")
        assert len(set(urls)) == 3
        assert {httpx.URL(url).netloc.decode() for url in urls} == {found["FETCH_ALLOWED_HOSTS"]}
        async with httpx.AsyncClient(trust_env=False, verify=False, timeout=PATIENCE) as client:
            answers = await asyncio.gather(*(client.get(url) for url in urls))
        # uvloop's clock ticks in milliseconds, so a timer may be one early.
        assert min(answer.elapsed.total_seconds() for answer in answers) >= 0.039
        assert [answer.json() for answer in answers] == [{}] * 3


async def test_target_is_gone_afterwards() -> None:
    async with target_settings(Target(delay_ms=0)) as found:
        [url] = found["FETCH_URLS"].split(",")
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        answer = await asyncio.gather(client.get(url), return_exceptions=True)
    assert [type(each) for each in answer] == [httpx.ConnectError]


async def test_no_target_means_no_settings() -> None:
    async with target_settings(None) as found:
        assert found == {}


async def test_sweep_points_the_app_to_the_target(tmp_path: Path) -> None:
    experiment = Experiment(
        name="fetch",
        question="Is it called?",
        workload=Workload(routes=("/api/sequential-fetch",), target=Target(delay_ms=30, urls=2)),
        settings=Matrix(),
        load=Load(users=(1,), warm_up=0.2, measure=1),
    )
    folder = RunFolder.create(tmp_path, [experiment], Environment())
    await measure_run(
        folder, app=ServedApp(ROOT), kind=LOCAL_HOST, planner=Grid(), on_progress=lambda event: None, calibrated=False
    )
    [measured] = folder.measurements()
    assert measured.errors == {}
    assert min(measured.latencies_us) >= 2 * 29_000


def test_target_ends_with_the_process_that_started_it() -> None:
    script = """
        import asyncio
        from functune.experiments.model import Target
        from functune.load.target import target_settings
        async def main():
            async with target_settings(Target(delay_ms=0)):
                print(flush=True)
                await asyncio.sleep(60)
        asyncio.run(main())
    """
    starter = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], cwd=ROOT, stdout=subprocess.PIPE)
    with starter:
        assert starter.stdout is not None
        starter.stdout.readline()
        [server] = psutil.Process(starter.pid).children()
        os.kill(starter.pid, signal.SIGKILL)
    wait_until(lambda: has_ended(server))
