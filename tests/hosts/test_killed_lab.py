"""Nothing is left of a web server whose lab was killed."""

import subprocess
import sys

import psutil
import pytest

from tests.host.serving import is_alive, wait_until
from tests.hosts.test_any_app import ON

LAB = """
import asyncio, pathlib, sys
from functune.hosts.registry import host_kind
from functune.hosts.served_app import ServedApp
from functune.setting import Setting

async def main():
    name, folder, entry = sys.argv[1:]
    app = ServedApp(pathlib.Path(folder), entry)
    async with host_kind(name).running(app, setting=Setting(process_count=2)) as host:
        print(host.pid, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.mark.parametrize("name", ["gunicorn:gthread", "uvicorn"])
def test_web_server_and_its_workers_end_with_a_lab_that_is_killed(name: str) -> None:
    """A sweep ended by SIGKILL can stop nothing itself, and a web server knows nothing of it."""
    command = [sys.executable, "-c", LAB, name, str(ON[name].folder), str(ON[name].entry)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as lab:
        assert lab.stdout is not None
        try:
            server = psutil.Process(int(lab.stdout.readline()))
            pids = [server.pid, *(each.pid for each in server.children(recursive=True))]
            assert len(pids) > 2
            left = [*pids, *(each.pid for each in psutil.Process(lab.pid).children(recursive=True))]
        finally:
            lab.kill()
    try:
        wait_until(lambda: not any(map(is_alive, left)), "end of the server and its guard")
    finally:
        for pid in filter(is_alive, pids):
            psutil.Process(pid).kill()
