"""Workers that a server ends out of turn: known from its log, and named where requests fail."""

import asyncio
import time

import httpx
import pytest

from functune.hosts.worker_ends import TIME_OUT, WorkerEnds
from functune.setting import Setting
from tests.hosts.test_web_server import APPS, clients, running

SHORT_TIME_OUT = Setting(app_settings=(("GUNICORN_CMD_ARGS", "--timeout 5"),))
"""Not much longer than a busy machine takes to load the app; a worker that takes longer is started again."""


@pytest.mark.parametrize(
    ("lines", "reasons"),
    [
        (["[CRITICAL] WORKER TIMEOUT (pid:12)", "[ERROR] Worker (pid:12) exited with code 1."], {TIME_OUT: 1}),
        (["[ERROR] Worker (pid:12) was sent SIGKILL! Perhaps out of memory?"], {"SIGKILL": 1}),
        (["Worker (pid:1) was sent SIGKILL!", "Worker (pid:2) was sent SIGKILL!"], {"SIGKILL": 2}),
        (["[ERROR] Worker (pid:12) exited with code 3."], {"code 3": 1}),
        (["INFO:     Child process [12] died"], {"a sudden end": 1}),
        (["[INFO] Worker (pid:12) was sent SIGTERM!", "[INFO] Worker exiting (pid: 12)"], {}),
    ],
)
def test_end_is_read_from_the_first_line_about_a_worker(lines: list[str], reasons: dict[str, int]) -> None:
    ends, began = WorkerEnds(), time.time()
    for line in lines:
        ends.read(line)
    assert ends.between(began, time.time()) == reasons
    assert ends.between(0, began - 1) == {}


@pytest.mark.fault
async def test_request_longer_than_the_time_out_fails_by_it_on_sync_workers_only() -> None:
    """
    The workers of the other classes report to Gunicorn while a handler runs.

    Gunicorn aborts the sync worker, which answers 500, and kills it where it has not ended soon after that.
    """
    names = ("gunicorn:sync", "gunicorn:gthread", "gunicorn:asgi")
    async with running(APPS / "main", *names, setting=SHORT_TIME_OUT) as hosts, clients() as client:
        began = time.time()
        calls = (client.get(f"{host.base_url}/api/sync/sleep?ms=10000") for host in hosts)
        sync, *others = await asyncio.gather(*calls, return_exceptions=True)
        assert isinstance(sync, httpx.RemoteProtocolError | httpx.ReadError) or (
            isinstance(sync, httpx.Response) and sync.status_code == 500
        )
        assert [isinstance(each, httpx.Response) and each.status_code for each in others] == [200, 200]
        assert [host.worker_ends(began, time.time()) for host in hosts] == [{TIME_OUT: 1}, {}, {}]
