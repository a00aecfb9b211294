"""The times file as ASGI middleware under Uvicorn, and as WSGI middleware under Gunicorn, each as a real process."""

import socket
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from functune.timing.header import SERVER_TIMING, WORKER, ReportedCall, parse
from tests.host.serving import wait_until
from tests.instrument.servers import GUNICORN_PATIENCE, UVICORN_PATIENCE, instrumented, served

ONE_UVICORN = ("uvicorn", "service:app", "--port", "0", *UVICORN_PATIENCE)
UVICORN = (*ONE_UVICORN, "--workers", "2")
GUNICORN = ("gunicorn", "site_app:app", "--bind", "127.0.0.1:0", *GUNICORN_PATIENCE, "--workers", "2", "--threads", "4")


@pytest.fixture(scope="module")
def asgi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = instrumented("asgi", tmp_path_factory.mktemp("asgi") / "app", "app = functune_times.AsgiTimes(app)")
    with (
        served(folder, *UVICORN) as url,
        httpx.Client(base_url=url, trust_env=False, verify=False, timeout=30) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def wsgi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    line = "app.wsgi_app = functune_times.WsgiTimes(app.wsgi_app)"
    folder = instrumented("flask", tmp_path_factory.mktemp("wsgi") / "app", line)
    with (
        served(folder, *GUNICORN) as url,
        httpx.Client(base_url=url, trust_env=False, verify=False, timeout=30) as client,
    ):
        yield client


def reported(answer: httpx.Response) -> ReportedCall:
    report = parse(answer.headers.get(WORKER), answer.headers.get(SERVER_TIMING))
    assert report is not None, f"{answer.status_code} {answer.headers}"
    assert report.wait is None
    return report


def within_latency(client: httpx.Client, path: str) -> ReportedCall:
    """
    The report of a call whose service is most of what the client waits for, and never more than that.

    It is the fastest of three calls or more, since other programs may hold up the client.
    """
    calls: list[tuple[float, ReportedCall]] = []

    def is_most_of_one() -> bool:
        began = time.perf_counter()
        answer = client.get(path)
        latency = (time.perf_counter() - began) * 1e6
        report = reported(answer)
        assert report.service is not None
        assert 98_000 <= report.service <= latency  # uvloop counts whole milliseconds
        calls.append((latency, report))
        return len(calls) >= 3 and any((report.service or 0) >= latency / 2 for latency, report in calls)

    wait_until(is_most_of_one, "call whose service is half of its latency or more")
    return min(calls, key=lambda call: call[0])[1]


def waited_beside_the_loop(report: ReportedCall) -> float:
    """The time of a call of 100 ms in which the loop was free: on a busy machine, its steps take long as well."""
    assert report.service is not None
    assert report.loop is not None
    return report.service - report.loop


def test_asgi_app_that_awaits_holds_no_loop(asgi: httpx.Client) -> None:
    report = within_latency(asgi, "/awaiting")
    assert report.kind == "async"
    assert report.cpu is not None
    assert report.cpu < 20_000
    assert waited_beside_the_loop(report) > 50_000


def test_asgi_app_that_computes_holds_the_loop_until_its_answer(asgi: httpx.Client) -> None:
    report = within_latency(asgi, "/compute")
    assert report.cpu is not None
    assert report.hold is not None
    assert report.loop is not None
    assert 100_000 <= report.cpu <= report.hold + 1000
    assert report.hold <= report.loop <= (report.service or 0)


@pytest.mark.parametrize("path", ["/in-a-task", "/in-a-thread"])
def test_asgi_app_that_waits_elsewhere_is_timed_too(asgi: httpx.Client, path: str) -> None:
    assert waited_beside_the_loop(within_latency(asgi, path)) > 50_000


def test_asgi_answer_is_the_apps(asgi: httpx.Client) -> None:
    answer = asgi.get("/awaiting")
    assert (answer.status_code, answer.text, answer.headers["content-type"]) == (203, "done", "text/plain")
    assert answer.headers[SERVER_TIMING].startswith("db;dur=53.2, service;dur=9, service;dur=")
    assert (reported(answer).service or 0) > 98_000  # the last of a name counts


@pytest.mark.parametrize("server", ["asgi", "wsgi"])
def test_streamed_answer_begins_before_it_is_complete(
    server: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """
    Its service ends at the first of the parts, which take 500 ms together.

    The server sends the end once a file exists that the client writes after the first part.
    """
    client: httpx.Client = request.getfixturevalue(server)
    began = time.perf_counter()
    with client.stream("GET", f"/streamed?{tmp_path / 'go'}") as answer:
        parts = answer.iter_text()
        text = next(parts)
        (tmp_path / "go").touch()
        text += "".join(parts)
    took = (time.perf_counter() - began) * 1e6
    assert text.startswith("part part part part part ")
    assert (reported(answer).service or 1e9) <= took - 490_000  # uvloop counts whole milliseconds


@pytest.mark.parametrize("server", ["asgi", "wsgi"])
def test_failed_call_leaves_no_call_open(server: str, request: pytest.FixtureRequest) -> None:
    client: httpx.Client = request.getfixturevalue(server)
    for _ in range(8):
        assert client.get("/failing").status_code == 500
    path = "/awaiting" if server == "asgi" else "/wait"
    assert {reported(client.get(path)).calls for _ in range(4)} == {1}


def test_calls_that_the_client_gives_up_are_not_counted_on(asgi: httpx.Client) -> None:
    """Each of them has begun when its client leaves, so the calls that one process has open only become fewer."""
    place = (asgi.base_url.host, asgi.base_url.port or 80)
    for _ in range(4):
        with socket.create_connection(place) as connection:
            connection.sendall(b"GET /streamed HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(12) == b"HTTP/1.1 203"
    wait_until(lambda: reported(asgi.get("/awaiting")).calls == 1, "call that is alone in its process")
    assert {reported(asgi.get("/awaiting")).calls for _ in range(4)} == {1}


def test_wsgi_app_that_waits_and_one_that_computes(wsgi: httpx.Client) -> None:
    waiting, computing = within_latency(wsgi, "/wait"), within_latency(wsgi, "/compute")
    assert (waiting.kind, waiting.loop, waiting.hold) == ("def", None, None)
    assert (waiting.cpu or 0) < 20_000
    assert 100_000 <= (computing.cpu or 0) <= (computing.service or 0)


def test_wsgi_answer_is_the_apps(wsgi: httpx.Client) -> None:
    answer = wsgi.get("/compute")
    assert (answer.status_code, answer.text) == (203, "computed")
    assert answer.headers[SERVER_TIMING].startswith("db;dur=53.2, service;dur=9, service;dur=")
    assert answer.headers["content-length"] == "8"


def test_wsgi_workers_and_threads_are_those_of_the_server(wsgi: httpx.Client, tmp_path: Path) -> None:
    """
    Two processes of four threads each. The kernel spreads the connections, so one of them may get none.

    One of them gets 12 of the 24 calls or more, so all of its threads are busy before the first call ends.
    """
    limits = httpx.Limits(max_keepalive_connections=0)
    with (
        httpx.Client(base_url=wsgi.base_url, trust_env=False, verify=False, timeout=30, limits=limits) as client,
        ThreadPoolExecutor(24) as pool,
    ):
        calls = [pool.submit(client.get, "/held", params={"folder": str(tmp_path)}) for _ in range(24)]
        wait_until(
            lambda: 4 in Counter(path.stem for path in tmp_path.iterdir()).values(), "process with four busy threads"
        )
        (tmp_path / "go").touch()
        reports = [reported(call.result()) for call in calls]
    threads: dict[int, set[int]] = {}
    for report in reports:
        threads.setdefault(report.pid, set()).add(report.thread)
    assert len(threads) <= 2
    assert max(map(len, threads.values())) == 4
    assert max(report.calls for report in reports) == 4


def test_server_without_the_setting_answers_without_the_headers(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = instrumented("asgi", tmp_path_factory.mktemp("off") / "app", "app = functune_times.AsgiTimes(app)")
    with served(folder, *ONE_UVICORN, times="") as url:
        answer = httpx.get(url, trust_env=False, verify=False, timeout=30)
    assert (answer.status_code, WORKER in answer.headers) == (203, False)
    assert answer.headers[SERVER_TIMING] == "db;dur=53.2, service;dur=9"
