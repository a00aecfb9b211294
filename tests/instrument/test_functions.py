"""The times file in a function app, on the local host: its figures against the host's own, and equal answers."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import httpx
import pytest

from functune.instrument.functune_times import SETTING
from functune.timing.header import SERVER_TIMING, WORKER, ReportedCall, parse
from tests.host.serving import Serving
from tests.instrument.servers import APPS, instrumented

INSTANCE = "x-functune-instance"
TEXTS = ["plain", "", "7", "[1, 2.50]", '{"a": {"b": null}}', '{"body": "b", "status": 202}', "null", '"quoted"', "NaN"]
TEXTS += ['{"Body": {"c": 1}, "Headers": {"X-Own": "1", "Server-Timing": "db;dur=1"}, "statusCode": "404"}']


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return instrumented("desk", tmp_path_factory.mktemp("desk") / "app", "functune_times.add_times(app)")


@pytest.fixture(scope="module")
def on(desk: Path) -> Iterator[Serving]:
    """The app with its times on."""
    with Serving(desk, PYTHON_THREADPOOL_THREAD_COUNT="4", **{SETTING: "1"}) as host:
        yield host.ready()


@pytest.fixture(scope="module")
def off(desk: Path) -> Iterator[Serving]:
    """The app with the file, and without the setting."""
    with Serving(desk, PYTHON_THREADPOOL_THREAD_COUNT="4", **{SETTING: ""}) as host:
        yield host.ready()


def reported(answer: httpx.Response) -> ReportedCall:
    report = parse(answer.headers.get(WORKER), answer.headers.get(SERVER_TIMING))
    assert report is not None, f"{answer.status_code} {answer.headers}"
    return report


def durations(timing: str) -> list[dict[str, float]]:
    """The times of the file and those of the host, from a header in which both stand: a name of each comes twice."""
    pairs = re.findall(r"(wait|service|cpu|loop|hold);dur=([0-9.]+)", timing)
    half = next(place for place, (name, _) in enumerate(pairs) if name == "wait")
    return [{name: float(value) for name, value in part} for part in (pairs[:half], pairs[half:])]


@pytest.fixture(scope="module")
def timed_twice(desk: Path) -> Iterator[Serving]:
    """The app with its times on, on a host that shows its own."""
    with Serving(desk, "--times", **{SETTING: "1"}) as host:
        yield host.ready()


@pytest.mark.parametrize("route", ["wait", "compute", "awaiting", "blocking"])
def test_figures_agree_with_those_of_the_host(timed_twice: Serving, route: str) -> None:
    """
    The host measures around the file, so it never measures less; in the median of five calls, it is 5 % or 1 ms more at
    most. Another program may take the core between the two readings of a single call.
    """
    calls = [durations(timed_twice.get(f"/api/{route}?ms=60").headers[SERVER_TIMING]) for _ in range(5)]
    for own, hosts in calls:
        assert "wait" not in own
        assert own.keys() | {"wait"} == hosts.keys()
        assert all(value <= hosts[name] for name, value in own.items())
        assert own["service"] >= 60
    usual, around = ({name: median(call[part][name] for call in calls) for name in calls[0][0]} for part in (0, 1))
    for name, value in usual.items():
        assert around[name] <= value * 1.05 + 1, name
    assert (usual["cpu"] > 40) == (route in {"compute", "blocking"})


def test_hold_is_the_longest_step_and_loop_the_sum(on: Serving) -> None:
    """The steps compute for 60 ms and for 30 ms, which takes longer where other programs have the cores."""
    report = reported(on.get("/api/blocking?ms=60"))
    assert report.kind == "async"
    assert report.hold is not None
    assert report.loop is not None
    assert 60_000 <= report.hold <= report.loop - 30_000
    assert report.wait is None


def test_worker_is_that_of_the_call(on: Serving) -> None:
    """Four threads for eight calls, of which four meet: they share a process and an instance, and four are open."""
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: on.get("/api/wait?meet=1"), range(8)))
    reports = [reported(answer) for answer in answers]
    assert [report.pid for report in reports] == on.workers()["pids"] * 8
    assert len({report.thread for report in reports}) == 4
    assert max(report.calls for report in reports) == 4
    assert {report.kind for report in reports} == {"def"}
    [instance] = {answer.headers[INSTANCE] for answer in answers}
    assert re.fullmatch("[0-9a-f]{12};server=functions", instance)
    assert reported(on.get("/api/wait")).calls == 1  # those that ended are not counted


def shown(answer: httpx.Response) -> tuple[int, bytes, dict[str, str]]:
    ours = {SERVER_TIMING, WORKER, INSTANCE, "date"}
    return answer.status_code, answer.content, {k: v for k, v in answer.headers.items() if k not in ours}


@pytest.mark.parametrize("text", TEXTS)
def test_text_gets_headers_and_stays_the_same_answer(on: Serving, off: Serving, text: str) -> None:
    plain, timed = (host.request("POST", "/api/text", content=text) for host in (off, on))
    assert shown(timed) == shown(plain)
    assert WORKER not in plain.headers
    assert reported(timed).kind == "def"
    assert timed.headers[SERVER_TIMING].startswith("db;dur=1, service" if "db;" in text else "service;dur=")


@pytest.mark.parametrize("route", ["set", "context", "shared", "wait"])
def test_any_other_answer_gets_headers_and_stays_the_same(on: Serving, off: Serving, route: str) -> None:
    plain, timed = off.get(f"/api/{route}"), on.get(f"/api/{route}")
    assert shown(timed) == shown(plain)
    assert reported(timed).service is not None


@pytest.mark.parametrize(("route", "status"), [("nothing", 500), ("unset", 204), ("set-text", 200)])
def test_what_cannot_have_headers_stays_as_it_is(on: Serving, off: Serving, route: str, status: int) -> None:
    """The runtime refuses None as the value of ``$return``, and an output that is not set is an empty answer."""
    assert WORKER not in on.get(f"/api/{route}").headers
    plain, timed = off.get(f"/api/{route}"), on.get(f"/api/{route}")
    assert shown(timed) == shown(plain)
    assert timed.status_code == status


def test_answer_that_the_app_returns_again_has_the_times_of_its_own_call(on: Serving) -> None:
    waits = range(10, 130, 10)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda ms: on.get(f"/api/shared?meet=1&ms={ms}"), waits))
    for ms, answer in zip(waits, answers, strict=True):
        assert (reported(answer).service or 0) >= 1000 * ms
    assert len({reported(answer).thread for answer in answers}) == 4
    assert all(answer.headers[SERVER_TIMING].startswith("db;dur=53.2, ") for answer in answers)
    assert max(len(answer.headers[SERVER_TIMING]) for answer in answers) < 120


def test_failed_call_fails_as_without_the_file_and_is_not_counted_on(on: Serving) -> None:
    answer = on.get("/api/failing")
    assert (answer.status_code, answer.content) == (500, b"")
    assert on.line("Exception: ValueError: on purpose")
    assert reported(on.get("/api/wait")).calls == 1


def test_app_without_the_setting_has_its_own_handlers(desk: Path) -> None:
    assert (desk / "function_app.py").read_text().startswith((APPS / "desk" / "function_app.py").read_text())
    with Serving(desk, **{SETTING: "0"}) as host:
        assert WORKER not in host.ready().get("/api/wait").headers
