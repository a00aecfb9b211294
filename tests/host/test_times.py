"""The times of calls on the real host: handlers of known behaviour, seen in the headers of their answers."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from statistics import median
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


def call(host: Serving, path: str) -> ReportedCall:
    return reported(host.get(f"/api/{path}"))


def at_once(host: Serving, path: str, *, count: int) -> list[ReportedCall]:
    """The reports of calls sent at the same time."""
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda _: call(host, path), range(count)))


def ms(value: int | None) -> float:
    assert value is not None
    return value / 1000


def test_handler_that_sleeps_has_service_and_no_cpu(timed: Serving) -> None:
    report = call(timed, "sleep?ms=60")
    [pid] = timed.workers()["pids"]
    assert (report.pid, report.kind, report.calls) == (pid, "def", 1)
    assert (report.loop, report.hold) == (None, None)
    assert 60 <= ms(report.service) < 1000
    assert ms(report.cpu) < 20
    assert 0 < ms(report.wait) < 500


def test_handler_that_computes_has_cpu(timed: Serving) -> None:
    """It computes until its thread has used 60 ms."""
    report = call(timed, "burn?ms=60")
    assert 60 <= ms(report.cpu) < 80
    assert ms(report.cpu) <= ms(report.service) + 1


def test_cpu_outside_the_gil_is_counted(timed: Serving) -> None:
    """Hashing gives the GIL away; on a busy machine service also includes the wait for a core."""
    report = call(timed, "hash")
    assert ms(report.cpu) > 10
    assert ms(report.cpu) <= ms(report.service) + 1


def test_blocked_loop_shows_as_hold_and_as_wait(timed: Serving) -> None:
    """Four calls that block for 200 ms each go one after the other, so the last waits for those that came before it."""
    alone = call(timed, "blocking?ms=200")
    assert alone.kind == "async"
    assert 200 <= ms(alone.hold) <= ms(alone.loop) <= ms(alone.service) + 1
    together = at_once(timed, "blocking?ms=200", count=4)
    assert max(ms(report.wait) for report in together) > ms(alone.wait) + 150
    assert all(200 <= ms(report.hold) < 400 for report in together)


def test_handler_that_awaits_does_not_hold_the_loop(timed: Serving) -> None:
    together = at_once(timed, "awaiting?ms=400", count=4)
    assert all(ms(report.service) >= 398 for report in together)  # uvloop counts whole milliseconds
    assert all(ms(report.loop) < ms(report.service) / 4 for report in together)
    assert median(ms(report.wait) for report in together) < 200  # one after another, the median would wait for one
    assert max(report.calls for report in together) > 1


def test_lock_lengthens_service_and_not_cpu(timed: Serving) -> None:
    alone = call(timed, "locked?ms=200")
    assert 200 <= ms(alone.service) < 350
    together = at_once(timed, "locked?ms=200", count=4)
    # Four in a row take 800 ms when they come at once; on a busy machine they come one after the other.
    assert max(ms(report.service) for report in together) > 350
    assert all(ms(report.cpu) < 20 for report in together)


def test_calls_beyond_the_threads_wait(timed: Serving) -> None:
    """Eight threads for 16 calls of 800 ms: on a busy machine they come one after the other, and few of them wait."""
    together = at_once(timed, "sleep?ms=800", count=16)
    assert max(ms(report.wait) for report in together) > 300
    assert len({report.thread for report in together}) == 8
    assert max(report.calls for report in together) == 8


@pytest.mark.parametrize("route", ["failing", "failing-async", "cancelling"])
def test_failed_call_reports_its_times(timed: Serving, route: str) -> None:
    answer = timed.get(f"/api/{route}")
    assert answer.status_code == 500
    assert 20 <= ms(reported(answer).service) < 1000


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


def test_open_calls_are_read_while_the_loop_is_blocked(timed: Serving) -> None:
    before = timed.get("/admin/functune/times").json()
    assert before["front"] == timed.process.pid
    with ThreadPoolExecutor(1) as pool:
        blocked = pool.submit(call, timed, "blocking?ms=1500")
        wait_until(lambda: totals(timed)["begun"] > totals(timed)["ended"], "open call")
        first = timed.get("/admin/functune/times").json()
        second = timed.get("/admin/functune/times").json()
        assert not blocked.done()
        assert ms(blocked.result().hold) >= 1500
    [one], [two] = first["workers"].values(), second["workers"].values()
    assert (two["open_seconds"] - one["open_seconds"]) / (second["at"] - first["at"]) == pytest.approx(1)
    wait_until(lambda: totals(timed)["begun"] == totals(timed)["ended"], "end of the call")


def test_killed_worker_mixes_up_no_other_call() -> None:
    """Calls run in two workers while one of them ends itself: every answer with times is of its own call."""
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
            length = int(path.removeprefix("sleep?ms="))
            assert length <= ms(reported(answer).service) < length + 295
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
    assert ms(report.service) >= 300
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
