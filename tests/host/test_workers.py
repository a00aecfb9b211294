"""Several worker processes: who gets which call, and what happens when one dies."""

import os
import signal
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import httpx

from tests.host.serving import APPS, Serving, is_alive, wait_until

INVOCATIONS_LOST = 2


def many(count: int, call: Callable[[], httpx.Response]) -> list[Future[httpx.Response]]:
    """Start ``count`` calls at once."""
    with ThreadPoolExecutor(count) as pool:
        return [pool.submit(call) for _ in range(count)]


def test_workers_take_turns_in_one_order(three_workers: Serving) -> None:
    pids = three_workers.workers()["pids"]
    served = [three_workers.get(path).json()["pid"] for path in ("/api/sync/sleep", "/api/async/sleep") * 6]
    assert len(set(served)) == 3
    first = pids.index(served[0])
    assert served == [pids[(first + turn) % 3] for turn in range(12)]


def test_thread_count_limits_the_threads_of_each_worker(three_workers: Serving) -> None:
    threads = defaultdict(set)
    for answer in many(12, lambda: three_workers.get("/api/sync/sleep?ms=400")):
        threads[answer.result().json()["pid"]].add(answer.result().json()["thread"])
    assert [len(of_worker) for of_worker in threads.values()] == [2, 2, 2]


def test_unset_thread_count_gives_more_threads_than_python_would(host: Serving) -> None:
    answers = many(40, lambda: host.get("/api/sync/sleep?ms=500"))
    python_default = min(32, (os.process_cpu_count() or 1) + 4)
    assert len({answer.result().json()["thread"] for answer in answers}) > python_default


def test_killed_worker_fails_its_calls_alone_and_is_replaced() -> None:
    with (
        Serving(APPS / "main", FUNCTIONS_WORKER_PROCESS_COUNT="2", PYTHON_THREADPOOL_THREAD_COUNT="4") as host,
        ThreadPoolExecutor(4) as pool,
    ):
        host.ready()
        pids = host.workers()["pids"]
        before = {pid: thread_count(pid) for pid in pids}
        calls = [pool.submit(host.get, "/api/sync/sleep?ms=1500") for _ in range(2 * INVOCATIONS_LOST)]
        wait_until(
            lambda: all(thread_count(pid) == before[pid] + INVOCATIONS_LOST for pid in pids),
            "pair of calls in each worker",
        )
        os.kill(pids[0], signal.SIGKILL)
        ended = rf"worker 1 \(pid {pids[0]}\) was ended by SIGKILL with {INVOCATIONS_LOST} invocation\(s\) in flight"
        host.line(f"Language worker process ended: {ended}")
        host.line(f"Exception: {ended}")
        assert host.get("/api/sync/sleep").json()["pid"] == pids[1]
        assert sorted(call.result().status_code for call in calls) == [200, 200, 500, 500]
        host.ready()
        assert host.workers()["pids"][0] == pids[1]
        assert {host.get("/api/sync/sleep").json()["pid"] for _ in range(4)} == set(host.workers()["pids"])
        wait_until(lambda: not is_alive(pids[0]), "end of the killed worker")


def thread_count(pid: int) -> int:
    """Threads of a process; a new call of a ``def`` adds one while the others are busy."""
    return len(list(Path(f"/proc/{pid}/task").iterdir()))
