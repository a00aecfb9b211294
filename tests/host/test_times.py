"""The times of calls on the real host: handlers of known behaviour, seen in the headers of their answers."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import httpx
import pytest

from functune.timing.asking import TIMES_ASKED
from functune.timing.header import SERVER_TIMING, WORKER, ReportedCall, parse
from tests.host.serving import APPS, Serving, wait_until


@pytest.fixture(scope="module")
def timed() -> Iterator[Serving]:
    """One worker with eight threads."""
    with Serving(APPS / "timed", "--times", PYTHON_THREADPOOL_THREAD_COUNT="8") as serving:
        yield serving.ready()


@pytest.fixture(scope="module")
def untimed() -> Iterator[Serving]:
    """One worker with two threads, whose calls are not measured."""
    with Serving(APPS / "timed", PYTHON_THREADPOOL_THREAD_COUNT="2") as serving:
        yield serving.ready()


def reported(answer: httpx.Response) -> ReportedCall:
    report = parse(answer.headers.get(WORKER), answer.headers.get(SERVER_TIMING))
    assert report is not None, f"{answer.status_code} {answer.headers}"
    return report


def call(host: Serving, path: str, *, status: int = 200) -> ReportedCall:
    """The report of one call. It waited and ran within the time that the client sees."""
    sent = perf_counter()
    answer = host.get(f"/api/{path}")
    took = (perf_counter() - sent) * 1000
    assert answer.status_code == status
    report = reported(answer)
    assert 0 < ms(report.wait) < ms(report.wait) + ms(report.service) <= took
    return report


def at_once(host: Serving, path: str, *, count: int) -> list[ReportedCall]:
    """The reports of calls that were all sent before the first answer is waited for."""
    return [reported(sent.answer()) for sent in [host.send(f"/api/{path}") for _ in range(count)]]


def ms(value: int | None) -> float:
    assert value is not None
    return value / 1000


def test_handler_that_sleeps_has_service_and_no_cpu(timed: Serving) -> None:
    report = call(timed, "sleep?ms=300")
    [pid] = timed.workers()["pids"]
    assert (report.pid, report.kind, report.calls) == (pid, "def", 1)
    assert (report.loop, report.hold) == (None, None)
    assert ms(report.service) >= 300
    assert ms(report.cpu) < ms(report.service) / 3


def test_handler_that_computes_has_cpu(timed: Serving) -> None:
    """It computes until its thread has used 300 ms."""
    report = call(timed, "burn?ms=300")
    assert 300 <= ms(report.cpu) < 400
    assert ms(report.cpu) <= ms(report.service) + 1


def test_cpu_outside_the_gil_is_counted(timed: Serving) -> None:
    """Hashing gives the GIL away; on a busy machine service also includes the wait for a core."""
    report = call(timed, "hash?ms=60")
    assert ms(report.cpu) >= 60
    assert ms(report.cpu) <= ms(report.service) + 1


def test_blocked_loop_shows_as_hold_and_as_wait(timed: Serving, tmp_path: Path) -> None:
    """Three calls wait until the loop is no longer blocked, and then block it for 200 ms each, one after the other."""
    alone = call(timed, "blocking?ms=200")
    assert alone.kind == "async"
    assert 200 <= ms(alone.hold) <= ms(alone.loop) <= ms(alone.service) + 1
    first = timed.send(f"/api/blocking?until={tmp_path}/go")
    wait_until(lambda: is_open(timed), "call that blocks the loop")
    later = [timed.send("/api/blocking?ms=200") for _ in range(3)]
    released = perf_counter()
    (tmp_path / "go").touch()
    together = [reported(sent.answer()) for sent in later]
    took = (perf_counter() - released) * 1000
    waits = sorted(ms(report.wait) for report in together)
    assert waits[1] >= 200
    assert waits[2] >= 400
    holds = [ms(report.hold) for report in together]
    assert min(holds) >= 200
    assert sum(holds) <= took, "each holds the loop for itself"
    assert reported(first.answer()).kind == "async"


def test_handler_that_awaits_does_not_hold_the_loop(timed: Serving) -> None:
    together = at_once(timed, "awaiting?ms=2000", count=4)
    assert all(ms(report.service) >= 1998 for report in together)  # uvloop counts whole milliseconds
    assert all(ms(report.loop) < ms(report.service) / 4 for report in together)
    assert median(ms(report.wait) for report in together) < 1000  # one after another, the median would wait for one
    assert max(report.calls for report in together) > 1


def test_lock_lengthens_service_and_not_cpu(timed: Serving) -> None:
    """The last of four has begun when all have, and ends when each has held the lock for 400 ms."""
    before, sent = totals(timed)["begun"], perf_counter()
    calls = [timed.send("/api/locked?ms=400") for _ in range(4)]
    wait_until(lambda: totals(timed)["begun"] == before + 4, "four calls in the worker")
    begun = (perf_counter() - sent) * 1000
    together = [reported(call.answer()) for call in calls]
    assert max(ms(report.service) for report in together) >= 4 * 400 - begun
    assert all(ms(report.cpu) < ms(report.service) / 3 for report in together)


def test_calls_beyond_the_threads_wait(timed: Serving, tmp_path: Path) -> None:
    """Eight threads for 16 calls: eight of them wait until the others have slept."""
    before = totals(timed)
    calls = [timed.send(f"/api/sleep?ms=300&until={tmp_path}/go") for _ in range(16)]
    wait_until(lambda: totals(timed)["begun"] == before["begun"] + 8, "call in each thread")
    (tmp_path / "go").touch()
    together = [reported(call.answer()) for call in calls]
    assert sum(ms(report.wait) >= 300 for report in together) >= 8
    assert len({report.thread for report in together}) == 8
    assert max(report.calls for report in together) == 8


@pytest.mark.parametrize("route", ["failing", "failing-async", "cancelling"])
def test_failed_call_reports_its_times(timed: Serving, route: str) -> None:
    assert ms(call(timed, route, status=500).service) >= 20


def test_header_of_the_app_is_kept_and_not_believed(timed: Serving) -> None:
    answer = timed.get("/api/own-header")
    assert answer.headers[SERVER_TIMING].startswith("db;dur=53.2, service;dur=90000, wait;dur=")
    report = reported(answer)
    assert report.pid in timed.workers()["pids"]
    assert ms(report.service) < 90_000


def test_call_that_runs_no_handler_reports_nothing(timed: Serving) -> None:
    answer = timed.get("/api/nowhere")
    assert answer.status_code == 404
    assert WORKER not in answer.headers
    assert SERVER_TIMING not in answer.headers


def totals(host: Serving) -> dict[str, Any]:
    [worker] = host.get("/admin/functune/times").json()["workers"].values()
    assert isinstance(worker, dict)
    return worker


def is_open(host: Serving) -> bool:
    """Whether a call has begun and not ended."""
    now = totals(host)
    return bool(now["begun"] > now["ended"])


def test_open_calls_are_read_while_the_loop_is_blocked(timed: Serving, tmp_path: Path) -> None:
    before = timed.get("/admin/functune/times").json()
    assert before["front"] == timed.process.pid
    blocked = timed.send(f"/api/blocking?until={tmp_path}/go")
    wait_until(lambda: is_open(timed), "open call")
    began = perf_counter()
    first = timed.get("/admin/functune/times").json()
    second = timed.get("/admin/functune/times").json()
    lasted = (perf_counter() - began) * 1000
    (tmp_path / "go").touch()
    assert ms(reported(blocked.answer()).hold) >= lasted
    [one], [two] = first["workers"].values(), second["workers"].values()
    assert (two["open_seconds"] - one["open_seconds"]) / (second["at"] - first["at"]) == pytest.approx(1)
    wait_until(lambda: totals(timed)["begun"] == totals(timed)["ended"], "end of the call")


def test_killed_worker_mixes_up_no_other_call() -> None:
    """
    Calls run in two workers while one of them ends itself: every answer with times is of its own call.

    The handler says who serves it, and sleeps for a time of its own.
    """
    with Serving(
        APPS / "timed",
        *("--times", "--worker-startup-interval", "0"),
        FUNCTIONS_WORKER_PROCESS_COUNT="2",
        PYTHON_THREADPOOL_THREAD_COUNT="8",
    ) as host:
        host.ready()
        paths = [*(f"sleep?ms={length}" for length in (300, 600, 900, 1200)), "dying"] * 2
        with ThreadPoolExecutor(len(paths)) as pool:
            answers = dict(zip(range(len(paths)), pool.map(lambda path: host.get(f"/api/{path}"), paths), strict=True))
    for number, path in enumerate(paths):
        answer = answers[number]
        if answer.status_code == 200:
            report = reported(answer)
            assert f"{report.pid} {report.thread}" == answer.headers["x-served-by"]
            assert ms(report.service) >= int(path.removeprefix("sleep?ms="))
        else:
            assert WORKER not in answer.headers
    assert any(answer.status_code != 200 for answer in answers.values())


def test_host_times_nothing_unless_asked(host: Serving) -> None:
    answer = host.get("/api/sync/sleep")
    assert answer.status_code == 200
    assert {SERVER_TIMING, WORKER} & set(answer.headers) == set()
    assert host.get("/admin/functune/times").status_code == 404


def test_asgi_app_in_a_thread_awaits() -> None:
    """FastAPI and its kind run a sync endpoint in a thread that their one coroutine awaits."""
    with Serving(APPS / "asgi", "--times") as host:
        host.ready()
        report = reported(host.get("/thread"))
    assert report.kind == "async"
    assert ms(report.service) >= 1000
    assert ms(report.loop) < ms(report.service) / 2


@pytest.mark.parametrize("route", ["sleep?ms=30", "awaiting?ms=30", "failing"])
def test_host_that_was_not_started_to_measure_reports_the_calls_that_ask(untimed: Serving, route: str) -> None:
    before = untimed.get(f"/api/{route}")
    asked = untimed.get(f"/api/{route}", headers={TIMES_ASKED: "1"})
    after = untimed.get(f"/api/{route}")
    assert asked.status_code == before.status_code
    report = reported(asked)
    assert report.pid in untimed.workers()["pids"]
    assert report.calls == 1
    assert ms(report.service) >= 20
    assert ms(report.wait) > 0
    assert WORKER not in {**before.headers, **after.headers}


def test_calls_that_ask_are_run_by_the_threads_of_all(untimed: Serving) -> None:
    def one(number: int) -> httpx.Response:
        return untimed.get("/api/sleep?ms=300", headers={TIMES_ASKED: "1"} if number % 2 else {})

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(one, range(8)))
    reports = [reported(answer) for answer in answers if WORKER in answer.headers]
    assert len(reports) == 4
    assert len({report.thread for report in reports}) <= 2
