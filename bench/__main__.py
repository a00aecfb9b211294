"""
Measures the figures the project holds itself to and prints each beside its bound.

Every figure is a ratio of two things measured in the same run, alternating, and the median over several rounds;
absolute numbers are shown beside it for orientation only. Exit code 1 when a figure is not held.

    python -m bench                 all of them, about fourteen minutes
    python -m bench host import     some
"""

import argparse
import asyncio
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import httpx
import psutil

from functune.analysis.littles_law import LIMIT, residual
from functune.analysis.verdict import Analysis
from functune.environment import usable_cores
from functune.experiments import Experiment, Load, Matrix, Workload, load
from functune.hosts.local import LOCAL_HOST
from functune.planning import planner
from functune.report import run_folder
from functune.setting import Setting
from functune.sweep import sweep

ROOT = Path(__file__).parent.parent
APPS = ROOT / "bench" / "apps"
ROUNDS = 5
WORKLOADS = {
    "waiting": "/api/sync/sleep?ms=50",
    "computing": "/api/sync/cpu?ms=10",
    "awaiting": "/api/async/sleep?ms=50",
}
IDLE = 10_000
IDLE_KIB = 16
"""Memory a connection may cost the front: protocol, transport, parser and timer, and the half of a small head."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured ratio and the bounds it must keep."""

    name: str
    ratios: tuple[float, ...]
    at_least: float | None = None
    at_most: float | None = None
    detail: str = ""

    @property
    def ratio(self) -> float:
        """Median over the rounds."""
        return statistics.median(self.ratios)

    @property
    def is_held(self) -> bool:
        """Whether the median keeps both bounds."""
        return (self.at_least is None or self.ratio >= self.at_least) and (
            self.at_most is None or self.ratio <= self.at_most
        )

    def __str__(self) -> str:
        bounds = [f">= {self.at_least:g}" if self.at_least is not None else ""]
        bounds += [f"<= {self.at_most:g}" if self.at_most is not None else ""]
        spread = f"{min(self.ratios):.3f} to {max(self.ratios):.3f}"
        verdict = "held" if self.is_held else "NOT HELD"
        return f"{self.name:<58}{self.ratio:>7.3f}  ({spread})  {' and '.join(filter(None, bounds)):<20}{verdict}" + (
            f"   {self.detail}" if self.detail else ""
        )


async def measure(url: str, *, users: int, seconds: float, warm_up: float = 0.5) -> dict[str, float]:
    """Run the generator in its own process; its summary."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.generator", url),
        *("--users", str(users), "--seconds", str(seconds), "--warm-up", str(warm_up)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    if process.returncode != 0:
        raise SystemExit(f"the generator failed on {url}")
    summary: dict[str, float] = json.loads(output)
    if summary["failures"]:
        raise SystemExit(f"{url}: {summary['failures']:.0f} answers were not 2xx; no figure comes from failures")
    return summary


@asynccontextmanager
async def asgi_server(application: str) -> AsyncIterator[str]:
    """A bare uvicorn with the parser and loop of the host, in its own process; yields its base URL."""
    code = (
        "import socket, uvicorn; s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(2048); "
        "print(s.getsockname()[1], flush=True); "
        f"uvicorn.Server(uvicorn.Config('bench.asgi:{application}', http='httptools', loop='uvloop', lifespan='off', "
        "access_log=False, log_level='warning', timeout_keep_alive=130)).run(sockets=[s])"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        port = int(await process.stdout.readline())
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


async def host() -> AsyncIterator[Figure]:
    """What the host adds to a bare ASGI server: no-op functions, one worker, 32 users."""
    async with (
        asgi_server("noop") as bare,
        LOCAL_HOST.running(APPS / "noop", setting=Setting()) as served,
    ):
        urls = [f"{bare}/", f"{served.base_url}/api/async-noop", f"{served.base_url}/api/sync-noop"]
        rounds = [[(await measure(url, users=32, seconds=2))["throughput"] for url in urls] for _ in range(ROUNDS)]
    plain, asynchronous, sync = (statistics.median(column) for column in zip(*rounds, strict=True))
    yield Figure(
        "host, async def no-op / bare uvicorn",
        tuple(r[1] / r[0] for r in rounds),
        at_least=0.30,
        detail=f"{asynchronous:.0f}/s of {plain:.0f}/s",
    )
    yield Figure(
        "host, def no-op / bare uvicorn",
        tuple(r[2] / r[0] for r in rounds),
        at_least=0.15,
        detail=f"{sync:.0f}/s of {plain:.0f}/s",
    )


async def connections() -> AsyncIterator[Figure]:
    """What 10,000 connections cost the front that ask for nothing, or for half of something."""
    async with LOCAL_HOST.running(APPS / "noop", setting=Setting()) as served:
        url = f"{served.base_url}/api/async-noop"
        front = psutil.Process(served.pid)
        before = await measure(url, users=1, seconds=2)
        worked = front.memory_info().rss
        opened = await idle_connections(served.base_url, IDLE)
        with_them = front.memory_info().rss
        beside = await measure(url, users=1, seconds=2)
        for writer in opened:
            writer.transport.abort()
    yield Figure("memory of the front after a load, MB", (worked / 1e6,), at_most=80)
    yield Figure(
        f"memory of {len(opened)} connections, KiB each",
        ((with_them - worked) / 1024 / len(opened),),
        at_most=IDLE_KIB,
        detail=f"the front has {with_them / 1e6:.0f} MB with them",
    )
    yield Figure(
        "median of a call beside them / alone",
        (beside["p50_ms"] / before["p50_ms"],),
        at_most=2,
        detail=f"{before['p50_ms']:.2f} ms, {beside['p50_ms']:.2f} ms",
    )


async def idle_connections(base_url: str, count: int) -> list[asyncio.StreamWriter]:
    """Connections the host has accepted: every other one has sent half a request, the rest nothing."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if most < count + 100:
        raise SystemExit(f"{count} connections need as many open files, this system allows {most} (ulimit -Hn)")
    parsed = httpx.URL(base_url)
    opened = []
    for number in range(count):
        _, writer = await asyncio.open_connection(parsed.host, parsed.port)
        if number % 2:
            writer.write(b"GET /api/async-noop HTTP/1.1\r\nhost: x\r\nx-half")
        opened.append(writer)
    async with httpx.AsyncClient() as client:  # answered after all of them were accepted
        (await client.get(f"{base_url}/admin/host/ping")).raise_for_status()
    return opened


async def law() -> AsyncIterator[Figure]:
    """Blocking calls of 100 ms follow the law X = T * P / S."""
    for process_count in (1, 2):
        for thread_count in (1, 4, 16, 64):
            async with LOCAL_HOST.running(
                ROOT, setting=Setting(thread_count=thread_count, process_count=process_count)
            ) as served:
                url = f"{served.base_url}/api/sync/sleep?ms=100"
                expected = thread_count * process_count / 0.1
                users = 2 * thread_count * process_count
                measured = [(await measure(url, users=users, seconds=6, warm_up=1.5))["throughput"] for _ in range(2)]
            yield Figure(
                f"sleep 100 ms, T={thread_count} P={process_count}, {users} users / (T*P/S)",
                tuple(throughput / expected for throughput in measured),
                at_least=0.95,
                at_most=1.02,
                detail=f"{statistics.median(measured):.1f}/s of {expected:g}/s",
            )


async def fetch() -> AsyncIterator[Figure]:
    """parallel-fetch of three 50 ms urls on the shared client against a client per request, 8 users."""
    async with asgi_server("slow") as target:
        urls = {"FETCH_URLS": ",".join(f"{target}/?n={n}" for n in range(3))}
        async with (
            LOCAL_HOST.running(ROOT, setting=Setting(), app_settings=urls) as shared,
            LOCAL_HOST.running(APPS / "clients", setting=Setting(), app_settings=urls) as own,
        ):
            pair = [f"{shared.base_url}/api/parallel-fetch", f"{own.base_url}/api/own-client"]
            rounds = [[await measure(url, users=8, seconds=3) for url in pair] for _ in range(ROUNDS)]
            alone = await measure(pair[0], users=1, seconds=3)
    yield Figure(
        "parallel-fetch, shared client / a client per request",
        tuple(ours["throughput"] / theirs["throughput"] for ours, theirs in rounds),
        at_least=3.0,
        detail=f"{rounds[0][0]['throughput']:.0f}/s against {rounds[0][1]['throughput']:.0f}/s",
    )
    yield Figure(
        "parallel-fetch of 3 x 50 ms, one user: p50 / 50 ms",
        (alone["p50_ms"] / 50,),
        at_most=80 / 50,
        detail=f"p50 {alone['p50_ms']:.1f} ms, p95 {alone['p95_ms']:.1f} ms",
    )


async def imports() -> AsyncIterator[Figure]:
    """Cold start: importing the app against importing the two packages every app of its kind imports."""
    statements = ["import function_app", "import azure.functions, httpx"]
    rounds = [[_seconds(statement) for statement in statements] for _ in range(ROUNDS * 2 + 1)][1:]
    yield Figure(
        "import function_app / import azure.functions, httpx",
        tuple(ours / theirs for ours, theirs in rounds),
        at_most=1.3,
        detail=f"{statistics.median(r[0] for r in rounds) * 1000:.0f} ms, interpreter start included",
    )


async def start() -> AsyncIterator[Figure]:
    """Cold start: from ``functune serve`` to a ready worker, the app against an app without functions."""
    rounds = [[await _ready_seconds(root) for root in (ROOT, APPS / "empty")] for _ in range(ROUNDS * 2 + 1)][1:]
    app, empty = (statistics.median(column) for column in zip(*rounds, strict=True))
    yield Figure(
        "worker ready, the app / an app without functions",
        tuple(ours / theirs for ours, theirs in rounds),
        at_most=1.5,
        detail=f"{app * 1000:.0f} ms against {empty * 1000:.0f} ms, start of the host included",
    )


async def _ready_seconds(script_root: Path) -> float:
    """Seconds until ``/admin/host/status`` says that the one worker is ready."""
    started = time.perf_counter()
    async with LOCAL_HOST.running(script_root, setting=Setting()):
        return time.perf_counter() - started


async def lessons() -> AsyncIterator[Figure]:
    """The shipped experiments with Locust: Little's law on every step, and what each experiment expects."""
    asked = [experiment for path in sorted((ROOT / "experiments").glob("*.toml")) for experiment in load(path)]
    with TemporaryDirectory() as folder:
        out = await sweep(
            asked,
            out=Path(folder) / "run",
            script_root=ROOT,
            on_progress=lambda _: None,
            planner=planner(cores=usable_cores()),
        )
        analyses = run_folder.read(out, run_folder.read_environment(out))
    worst, step = max(
        ((residual(step) or 0.0, step) for analysis in analyses for step in analysis.measurements),
        key=lambda pair: pair[0],
    )
    yield Figure(
        "Little's law, worst residual of every step",
        (worst,),
        at_most=LIMIT,
        detail=f"{step.route}, {step.setting}, {step.users} users",
    )
    for analysis in analyses:
        for expected, outcome in zip(analysis.experiment.expect, analysis.outcomes, strict=True):
            if outcome.observed is None:
                raise SystemExit(f"not measured: {outcome.claim}")
            if outcome.result == "not judged":
                print(f"  not judged: {outcome.claim}: {outcome.reason}", flush=True)
                continue
            bounds = {"at_least": expected.at_least, "at_most": expected.at_most}
            yield Figure(outcome.claim, (outcome.observed,), **bounds, detail=analysis.experiment.name)


async def search() -> AsyncIterator[Figure]:
    """The adaptive search against the whole grid, 64 steps of one second, on three workloads."""
    for name, route in WORKLOADS.items():
        with TemporaryDirectory() as folder:
            runs = {kind: await searched(route, kind, Path(folder) / kind) for kind in ("grid", "adaptive")}
        grid, adaptive = runs["grid"], runs["adaptive"]
        [chosen] = adaptive.recommendations
        [best] = grid.recommendations
        most = max(step.throughput for step in grid.measurements)
        of_chosen = max(step.throughput for step in grid.measurements if step.setting == chosen.setting)
        yield Figure(
            f"{name}: most of the chosen setting in the grid / the grid's best",
            (of_chosen / most,),
            at_least=0.95,
            detail=f"{chosen.setting}; the grid chooses {best.setting}, most {most:.0f}/s",
        )
        yield Figure(
            f"{name}: its measuring time / the grid's",
            (measuring_seconds(adaptive) / measuring_seconds(grid),),
            at_most=0.25,
            detail=f"{len(adaptive.repeats)} steps of {len(grid.repeats)}",
        )


async def searched(route: str, kind: Literal["grid", "adaptive"], out: Path) -> Analysis:
    """The analysis of one run."""
    experiment = Experiment(
        name="search",
        question="Which setting serves the most?",
        workload=Workload(routes=(route,)),
        settings=Matrix(thread_count=(1, 4, 16, 64), process_count=(1, 2)),
        load=Load(users=(1, 2, 4, 8, 16, 32, 64, 128), warm_up=0.3, measure=1, search=kind),
    )
    await sweep(
        [experiment],
        out=out,
        script_root=ROOT,
        on_progress=lambda _: None,
        planner=planner(cores=usable_cores()),
        calibrated=False,
    )
    [analysis] = run_folder.read(out, run_folder.read_environment(out))
    return analysis


def measuring_seconds(analysis: Analysis) -> float:
    """Warm-up and window of every step."""
    return sum(step.warm_up + step.duration for step in analysis.repeats)


def _seconds(statement: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], cwd=ROOT, check=True, env={**os.environ})
    return time.perf_counter() - started


SUITES: dict[str, Callable[[], AsyncIterator[Figure]]] = {
    "host": host,
    "connections": connections,
    "law": law,
    "fetch": fetch,
    "import": imports,
    "start": start,
    "lessons": lessons,
    "search": search,
}


async def run(names: Iterable[str]) -> bool:
    """Measure the named suites one after the other; whether every figure was held."""
    held = True
    for name in names:
        print(f"\n{(SUITES[name].__doc__ or name).strip()}", flush=True)
        async for figure in SUITES[name]():
            print(f"  {figure}", flush=True)
            held = held and figure.is_held
    return held


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=f"any of {', '.join(SUITES)}; default: all")
    chosen = parser.parse_args().suites or list(SUITES)
    unknown = sorted(set(chosen) - set(SUITES))
    if unknown:
        parser.error(f"unknown suite {', '.join(unknown)}; there are {', '.join(SUITES)}")
    sys.exit(0 if asyncio.run(run(chosen)) else 1)


if __name__ == "__main__":
    main()
