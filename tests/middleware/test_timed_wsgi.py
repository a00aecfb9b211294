"""The WSGI middleware: the same answer with two headers more, and the times of the call that made it."""

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from functune.load.host_calls import read_call_pages
from functune.middleware.timed_wsgi import TimedWsgi
from functune.timing.header import SERVER_TIMING, WORKER, ReportedCall, parse

type Start = Callable[..., Callable[[bytes], Any]]
SLEEP = 0.03


class Server:
    """Calls an app as a server does, and keeps what it was given."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.status = ""
        self.headers: list[tuple[str, str]] = []
        self.sent: list[bytes] = []
        self.body: Any = None

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], Any]:
        if exc_info and self.sent:
            raise exc_info[1]
        self.status, self.headers = status, headers
        return self.sent.append

    def call(self) -> "Server":
        self.body = self.app({"PATH_INFO": "/"}, self.start)
        self.sent += [bytes(part) for part in self.body]
        if hasattr(self.body, "close"):
            self.body.close()
        return self

    def times(self) -> ReportedCall:
        found = dict(self.headers)
        reported = parse(found[WORKER], found[SERVER_TIMING])
        assert reported is not None
        return reported


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the counts."""
    monkeypatch.setenv("FUNCTUNE_CALLS", str(tmp_path))
    return tmp_path


def timed(app: Any) -> TimedWsgi:
    made = TimedWsgi(app)
    made.begin_process()
    return made


def begun_and_ended(folder: Path) -> tuple[int, int]:
    [totals] = read_call_pages(folder).workers.values()
    return totals.begun, totals.ended


def test_body_is_the_app_s_own_and_headers_come_after_its_own(calls: Path) -> None:
    body, own = [b"a", b"b"], [("X-A", "1"), ("Server-Timing", "db;dur=5")]

    def app(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        start("201 Created", list(own))
        time.sleep(SLEEP)
        return body

    server = Server(timed(app)).call()
    assert (server.status, server.sent) == ("201 Created", [b"a", b"b"])
    assert server.body is body
    assert server.headers[0] == ("X-A", "1")
    assert dict(server.headers)[SERVER_TIMING].startswith("db;dur=5, service;dur=")
    reported = server.times()
    assert (reported.kind, reported.calls, reported.wait, reported.loop) == ("def", 1, None, None)
    assert (reported.service or 0) >= SLEEP * 1e6  # also after start_response
    assert begun_and_ended(calls) == (1, 1)


def test_generator_starts_its_answer_while_it_is_read(calls: Path) -> None:
    closed: list[bool] = []

    def app(environ: dict[str, Any], start: Start) -> Iterator[bytes]:
        try:
            time.sleep(SLEEP)
            start("200 OK", [])
            yield b"first"
            yield b"second"
        finally:
            closed.append(True)

    server = Server(timed(app)).call()
    assert server.sent == [b"first", b"second"]
    assert (server.times().service or 0) >= SLEEP * 1e6
    assert (closed, begun_and_ended(calls)) == ([True], (1, 1))


def test_generator_that_is_given_up_has_ended(calls: Path) -> None:
    def app(environ: dict[str, Any], start: Start) -> Iterator[bytes]:
        yield b""
        start("200 OK", [])

    server = Server(timed(app))
    body: Any = server.app({}, server.start)
    next(iter(body))
    assert begun_and_ended(calls) == (1, 0)
    body.close()
    assert begun_and_ended(calls) == (1, 1)


def test_write_sends_before_the_body(calls: Path) -> None:
    def app(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        start("200 OK", [])(b"written ")
        return [b"returned"]

    server = Server(timed(app)).call()
    assert (server.sent, begun_and_ended(calls)) == ([b"written ", b"returned"], (1, 1))
    assert WORKER in dict(server.headers)


def test_second_start_replaces_the_first_with_an_error_alone(calls: Path) -> None:
    def failing(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        start("200 OK", [])
        start("500 Oops", [], (ValueError, ValueError(), None))
        return [b"sorry"]

    def twice(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        start("200 OK", [])
        start("200 OK", [])
        return []

    assert Server(timed(failing)).call().status == "500 Oops"
    with pytest.raises(AssertionError, match="start_response was called before"):
        Server(timed(twice)).call()


def test_exception_passes_and_its_call_has_ended(calls: Path) -> None:
    def app(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        raise KeyError("gone")

    with pytest.raises(KeyError, match="gone"):
        Server(timed(app)).call()
    assert begun_and_ended(calls) == (1, 1)


def test_nothing_is_added_where_no_counts_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FUNCTUNE_CALLS", raising=False)

    def app(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        start("200 OK", [("X-A", "1")])
        return [b"x"]

    assert Server(timed(app)).call().headers == [("X-A", "1")]
