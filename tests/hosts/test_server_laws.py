"""
Throughputs that are known before web servers are measured: how many calls each class of workers runs at a time.

By Little's law, T threads in each of P processes serve T P / S calls of S seconds, and never more. The lower bound is
wide enough for a busy machine, where the kernel also shares out the connections unevenly, and above what half of the
threads would serve. ``python -m bench law`` has narrow bounds.
"""

from asyncio import gather
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import pytest

from functune.experiments.model import Experiment, Load, Matrix, Workload
from functune.hosts.local import LOCAL_HOST
from functune.hosts.registry import kind_for_settings
from functune.hosts.served_app import ServedApp
from functune.run.environment import collect_environment
from functune.run.folder import RunFolder
from functune.run.measurement import Measurement
from functune.sweep.run import measure_run
from functune.sweep.trials import Grid
from tests.host.serving import APPS

LEAST, MOST = 0.6, 1.04
"""Of the throughput by Little's law."""
SECONDS = 0.25
"""Long enough that what a busy machine adds to a call, some 40 ms, leaves the processes apart."""
SLEEP = Workload(routes=("/api/sync/sleep?ms=250",))
MAIN = ServedApp(APPS / "main")
ROOT = Path(__file__).parents[2]
FASTAPI = ROOT / "experiments" / "apps" / "fastapi"
TOKENS = 40
"""The threads of anyio's default limiter."""


async def measured(
    path: Path,
    *,
    users: int,
    settings: Matrix,
    workload: Workload = SLEEP,
    app: ServedApp = MAIN,
    seconds: float = 2.5,
) -> list[Measurement]:
    """The measurements of a sweep."""
    experiment = Experiment(
        name="laws",
        question="How many at a time?",
        workload=workload,
        settings=settings,
        load=Load(users=(users,), warm_up=0.3, measure=seconds, search="grid"),
    )
    here = collect_environment(script_root=app.folder, host="", host_kind="local", command=[])
    folder = RunFolder.create(path, [experiment], here)
    end = await measure_run(
        folder,
        app=app,
        kind=kind_for_settings(LOCAL_HOST, settings.host),
        planner=Grid(),
        on_progress=lambda _: None,
        calibrated=False,
        checked=False,
    )
    assert end.failures == 0, (path / "failures.jsonl").read_text()
    assert [each.errors for each in folder.measurements()] == [{}] * len(folder.measurements())
    return folder.measurements()


class Case(NamedTuple):
    """A server, and how many users call it."""

    host: str
    threads: int | str
    processes: int
    users: int


@pytest.mark.parametrize(
    "side_by_side",
    [
        [Case("gunicorn:sync", "unset", 4, users=12), Case("gunicorn:gthread", 2, 2, users=48)],
        [Case("gunicorn:gthread", 16, 4, users=256)],
    ],
    ids=["few", "many"],
)
async def test_threads_of_all_processes_serve_one_call_each(
    side_by_side: list[Case], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A connection stays with the process that accepted it, and on a busy machine one process may accept all of them.

    So each is closed after its answer, and a process with nothing to do accepts the next one.
    """
    monkeypatch.setenv("GUNICORN_CMD_ARGS", "--keep-alive 0")

    async def measured_case(case: Case) -> Measurement:
        settings = Matrix(host=(case.host,), thread_count=(case.threads,), process_count=(case.processes,))
        [found] = await measured(tmp_path / case.host, users=case.users, settings=settings)
        return found

    for case, found in zip(side_by_side, await gather(*map(measured_case, side_by_side)), strict=True):
        at_a_time = case.processes * (case.threads if isinstance(case.threads, int) else 1)
        assert LEAST < found.throughput / (at_a_time / SECONDS) < MOST, case
        assert len(found.worker_requests) == case.processes, case


async def test_threads_argument_changes_nothing_where_the_runtime_has_the_pool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pool of 8 threads serves 8 at a time, with one thread of Gunicorn or with 32."""

    async def share(host: str, argument: str) -> float:
        settings = Matrix(host=(host,), thread_count=(8,))
        [found] = await measured(tmp_path / f"{host}-{argument}", users=24, settings=settings)
        return found.throughput / (8 / SECONDS)

    for argument in ("1", "32"):
        monkeypatch.setenv("GUNICORN_CMD_ARGS", f"--threads {argument}")
        for found in await gather(share("gunicorn:asgi", argument), share("gunicorn:uvicorn", argument)):
            assert LEAST < found < MOST, argument


async def test_fast_requests_wait_for_two_slow_ones_on_two_sync_workers_only(tmp_path: Path) -> None:
    workload = Workload(routes=("/api/sync/sleep?ms=5",), background="/api/sync/sleep?ms=300", background_users=(0, 2))
    hosts = ("gunicorn:sync", "gunicorn:gthread")
    settings = [Matrix(host=(host,), thread_count=(4,), process_count=(2,)) for host in hosts]
    found = await gather(
        *(
            measured(tmp_path / host, users=1, settings=each, workload=workload, seconds=2)
            for host, each in zip(hosts, settings, strict=True)
        )
    )
    median = {
        (each.setting.host, each.subject.background_users): sorted(each.latencies_us)[len(each.latencies_us) // 2]
        for each in chain.from_iterable(found)
    }
    assert median["gunicorn:sync", 2] > 5 * median["gunicorn:sync", 0]
    assert median["gunicorn:gthread", 2] < 3 * median["gunicorn:gthread", 0]


async def test_def_endpoints_of_fastapi_run_in_as_many_threads_as_the_limiter_has_tokens(tmp_path: Path) -> None:
    """
    40 by default, whatever the threads. On the local host a function app is around the app, which is unchanged.

    The sweeps wait most of their time, so they run side by side.
    """

    async def share(host: str, threads: int | str, tokens: int | None) -> float:
        """Of the throughput by Little's law."""
        settings = Matrix(host=(host,), thread_count=(threads,), limiter_tokens=(tokens or "unset",))
        app = ServedApp(FASTAPI, entry=None if host == "local" else "main:app", root=ROOT)
        workload, out = Workload(routes=("/report?ms=200",)), tmp_path / f"{host}-{tokens}"
        [found] = await measured(out, users=2 * TOKENS, settings=settings, workload=workload, app=app)
        return found.throughput / ((tokens or TOKENS) / 0.2)

    cases = [
        ("uvicorn", "unset", None),
        ("uvicorn", "unset", 2 * TOKENS),
        ("gunicorn:asgi", "unset", 2 * TOKENS),
        ("local", 4, None),
        ("local", 4, 2 * TOKENS),
    ]
    shares = await gather(*(share(*case) for case in cases))
    wrong = {case: found for case, found in zip(cases, shares, strict=True) if not LEAST < found < MOST}
    assert wrong == {}
