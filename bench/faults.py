"""
The long test that no request is lost or mixed up: ``python -m bench.faults``, two minutes.

First part: 200 connections load four workers, and one worker is killed every twelfth of the time. Every request must
be answered exactly once: with 200 and its own token, or with 500 if a worker was killed while it was in flight. Second
part: the same load without kills; the memory of the front and of every worker must not grow. Prints counts. Exit codes:
0 no violation, 1 at least one.
"""

import argparse
import asyncio
import os
import random
import re
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import psutil
import uvloop

from bench.exchanges import Tally, User
from functune.environ import child_environ
from functune.host.console import LISTENING, Console
from functune.host.server import serve_until_stopped
from functune.host.settings import read_host_settings

APP = Path(__file__).parent / "apps" / "echo"
CONNECTIONS = 200
WORKERS = 4
KILLS = 12
"""Parts of the time with kills. One kill between two parts keeps every worker below the 3 deaths it is allowed."""
GRACE = 1.0
"""Seconds from a kill to the last answer to a call it ended, on a busy machine."""
GROWTH = 0.05
"""Share of its memory that a process may gain in the second half: allocators fluctuate."""
SLACK = 4 * 1024**2


async def kill(client: httpx.AsyncClient, until: float, every: float) -> list[float]:
    """Kill a random ready worker after each ``every`` seconds; the times of it."""
    kills = []
    while time.monotonic() + every < until:
        await asyncio.sleep(every)
        pids = (await client.get("/admin/host/status")).json()["workers"]["pids"]
        kills.append(time.monotonic())
        os.kill(random.choice(pids), signal.SIGKILL)
    return kills


def violations_of(tally: Tally, kills: Sequence[float]) -> list[str]:
    """What must not happen: the host answers every request, with 500 only where a worker was killed meanwhile."""
    unexplained = tally.outside([(killed, killed + GRACE) for killed in kills])
    return [
        *tally.wrong,
        *("the connection was closed without an answer" for _ in tally.cut),
        *("a request failed and no worker was killed while it was in flight" for _ in unexplained),
    ]


def memory(host: psutil.Process) -> dict[str, int]:
    """Resident bytes of the front and its workers."""
    return {f"{process.name()} {process.pid}": process.memory_info().rss for process in [host, *host.children()]}


async def watch_memory(host: psutil.Process, seconds: float) -> list[str]:
    """Compare the memory at the end of the load with that in the middle; the violations."""
    found = []
    await asyncio.sleep(seconds / 2)
    middle = memory(host)
    await asyncio.sleep(seconds / 2 - 0.5)
    for name, after in memory(host).items():
        before = middle.get(name)
        print(f"  {name}: {(before or 0) / 1e6:.1f} MB, then {after / 1e6:.1f} MB")
        if before is None:
            found.append(f"{name} was started while nothing was killed")
        elif after > before * (1 + GROWTH) + SLACK:
            found.append(f"{name} grew from {before} to {after} bytes")
    return found


@asynccontextmanager
async def host() -> AsyncIterator[tuple[psutil.Process, int]]:
    """Start a host in its own process; yields the process and its port."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "bench.faults", "--serve"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=child_environ({"PYTHONPATH": str(Path(__file__).parent.parent)}),
        limit=1024 * 1024,
    )
    assert process.stdout is not None
    reading = asyncio.create_task(_port(process.stdout))
    try:
        port = await reading
        draining = asyncio.create_task(_drain(process.stdout))
        yield psutil.Process(process.pid), port
    finally:
        process.terminate()
        await process.wait()
    await draining


async def _port(output: asyncio.StreamReader) -> int:
    async for line in output:
        if found := re.search(LISTENING + r" http://.*:(\d+)", line.decode()):
            return int(found[1])
    raise SystemExit("the host did not start")


async def _drain(output: asyncio.StreamReader) -> None:
    async for line in output:
        if b"Traceback" in line:
            print("  the host printed a traceback")


async def prove(seconds: float) -> bool:
    """Run both parts; returns whether there was no violation."""
    async with host() as (process, port), httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        await all_ready(client)
        until, tally = time.monotonic() + seconds, Tally()
        killing = asyncio.ensure_future(kill(client, until, seconds / KILLS))
        await asyncio.gather(killing, *users(port, until, tally))
        kills = killing.result()
        print(f"with kills: {tally.answers.total()} answers, {len(tally.failed)} failed, {len(kills)} workers killed")
        await all_ready(client)
        until, calm = time.monotonic() + seconds, Tally()
        watching = asyncio.ensure_future(watch_memory(process, seconds))
        await asyncio.gather(watching, *users(port, until, calm))
        print(f"without kills: {calm.answers.total()} answers, {len(calm.failed)} failed")
    violations = [*violations_of(tally, kills), *violations_of(calm, ()), *watching.result()]
    for text, count in Counter(violations).most_common(10):
        print(f"VIOLATION ({count} times): {text}")
    return not violations


def users(port: int, until: float, tally: Tally) -> list[Coroutine[None, None, None]]:
    """The users of a part."""
    return [User(port, tally).call_until(lambda: time.monotonic() >= until) for _ in range(CONNECTIONS)]


async def all_ready(client: httpx.AsyncClient) -> None:
    """Return once every worker serves, replacements included. Raises TimeoutError after 60 s."""
    async with asyncio.timeout(60):
        while (await client.get("/admin/host/status")).json()["workers"]["ready"] < WORKERS:  # noqa: ASYNC110
            await asyncio.sleep(0.1)


def serve_quickly() -> None:
    """Run the host of this test: it restarts a worker after half a second, the real host after ten."""
    read = read_host_settings(script_root=APP, port=0, startup_interval=0, startup_stall=False)
    worker = replace(read.worker, process_count=WORKERS, restart_interval=0.5)
    uvloop.run(serve_until_stopped(replace(read, worker=worker), Console(verbose=False)))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60, help="length of each of the two parts")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve_quickly()
    else:
        sys.exit(0 if uvloop.run(prove(arguments.seconds)) else 1)


if __name__ == "__main__":
    main()
