"""Several worker processes: who gets which call, and what happens when one dies."""

import os
import signal
from collections import Counter, defaultdict
from pathlib import Path

from tests.host.serving import APPS, Sent, Serving, is_alive, wait_until

INVOCATIONS_LOST = 2


def held(host: Serving, folder: Path, *, count: int) -> list[Sent]:
    """Calls that do not end before ``release``; each that has begun leaves a file in the folder."""
    return [host.send(f"/api/sync/held?folder={folder}") for _ in range(count)]


def begun(folder: Path) -> Counter[int]:
    """How many of the calls have begun in each process."""
    return Counter(int(file.name.partition("-")[0]) for file in folder.iterdir())


def release(folder: Path) -> None:
    """Let the calls end."""
    (folder / "go").touch()


def test_workers_take_turns_in_one_order(three_workers: Serving) -> None:
    pids = three_workers.workers()["pids"]
    served = [three_workers.get(path).json()["pid"] for path in ("/api/sync/sleep", "/api/async/sleep") * 6]
    assert len(set(served)) == 3
    first = pids.index(served[0])
    assert served == [pids[(first + turn) % 3] for turn in range(12)]


def test_thread_count_limits_the_threads_of_each_worker(three_workers: Serving, tmp_path: Path) -> None:
    """Four calls come to each worker; the last two of them begin when the first two end."""
    pids = three_workers.workers()["pids"]
    calls = held(three_workers, tmp_path, count=12)
    wait_until(lambda: begun(tmp_path) == dict.fromkeys(pids, 2), "pair of calls in each worker")
    release(tmp_path)
    threads = defaultdict(set)
    for call in calls:
        answer = call.answer().json()
        threads[answer["pid"]].add(answer["thread"])
    assert [len(of_worker) for of_worker in threads.values()] == [2, 2, 2]


def test_unset_thread_count_gives_more_threads_than_python_would(host: Serving, tmp_path: Path) -> None:
    more_than_python = min(32, (os.process_cpu_count() or 1) + 4) + 1
    calls = held(host, tmp_path, count=more_than_python)
    wait_until(lambda: begun(tmp_path).total() == more_than_python, "calls that run all at once")
    release(tmp_path)
    assert len({call.answer().json()["thread"] for call in calls}) == more_than_python


def test_killed_worker_fails_its_calls_alone_and_is_replaced(tmp_path: Path) -> None:
    with Serving(APPS / "main", FUNCTIONS_WORKER_PROCESS_COUNT="2", PYTHON_THREADPOOL_THREAD_COUNT="4") as host:
        host.ready()
        pids = host.workers()["pids"]
        calls = held(host, tmp_path, count=2 * INVOCATIONS_LOST)
        wait_until(lambda: begun(tmp_path) == dict.fromkeys(pids, INVOCATIONS_LOST), "pair of calls in each worker")
        os.kill(pids[0], signal.SIGKILL)
        ended = rf"worker 1 \(pid {pids[0]}\) was ended by SIGKILL with {INVOCATIONS_LOST} invocation\(s\) in flight"
        host.line(f"Language worker process ended: {ended}")
        host.line(f"Exception: {ended}")
        # On a busy machine, the replacement may be there already.
        assert host.get("/api/sync/sleep").json()["pid"] in {pids[1], *host.workers()["pids"]}
        release(tmp_path)
        answers = [call.answer() for call in calls]
        assert sorted(answer.status_code for answer in answers) == [200, 200, 500, 500]
        assert {answer.json()["pid"] for answer in answers if answer.is_success} == {pids[1]}
        host.ready()
        assert host.workers()["pids"][0] == pids[1]
        assert {host.get("/api/sync/sleep").json()["pid"] for _ in range(4)} == set(host.workers()["pids"])
        wait_until(lambda: not is_alive(pids[0]), "end of the killed worker")
