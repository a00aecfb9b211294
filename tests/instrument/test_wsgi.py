"""The WSGI middleware with apps that use the protocol in each way it allows. A validator checks both of its sides."""

import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import Any
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest

from functune.instrument.functune_times import SETTING, WsgiTimes, timed_handler

TEXT = [("Content-Type", "text/plain")]


@pytest.fixture(autouse=True)
def times_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SETTING, "1")


def early(environ: Any, start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("200 OK", TEXT)
    time.sleep(0.05)
    return [b"early"]


def late(environ: Any, start_response: Callable[..., Any]) -> Iterator[bytes]:
    time.sleep(0.05)
    start_response("200 OK", TEXT)
    yield b"la"
    time.sleep(0.2)
    yield b"te"


def written(environ: Any, start_response: Callable[..., Any]) -> Iterable[bytes]:
    write = start_response("200 OK", TEXT)
    time.sleep(0.05)
    write(b"writ")
    time.sleep(0.2)
    return [b"ten"]


def repaired(environ: Any, start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("200 OK", TEXT)
    try:
        time.sleep(0.05)
        raise ValueError("on purpose")
    except ValueError:
        start_response("503 Service Unavailable", TEXT, sys.exc_info())
    return [b"repaired"]


def empty(environ: Any, start_response: Callable[..., Any]) -> Iterable[bytes]:
    time.sleep(0.05)
    start_response("200 OK", TEXT)
    return []


class Answer:
    """What a server gets from an app."""

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        self.status, self.headers, self.parts = "", dict[str, str](), list[bytes]()
        environ: dict[str, Any] = {"QUERY_STRING": ""}
        setup_testing_defaults(environ)
        body = validator(WsgiTimes(validator(app)))(environ, self._start)
        with closing(body):  # type: ignore[type-var]
            for part in body:
                assert self.status, "a part came before the start"
                self.parts.append(part)

    def _start(self, status: str, headers: list[tuple[str, str]], *error: Any) -> Callable[[bytes], Any]:
        if error and self.status:
            raise error[0][1]
        assert not self.status, "started twice"
        self.status, self.headers = status, dict(headers)
        return self.parts.append


@pytest.mark.parametrize("app", [early, late, written, repaired, empty], ids=lambda app: app.__name__)
def test_service_ends_at_the_first_part_of_the_body(app: Callable[..., Iterable[bytes]]) -> None:
    began = time.perf_counter()
    answer = Answer(app)
    took = (time.perf_counter() - began) * 1000
    assert b"".join(answer.parts).decode() == ("" if app is empty else app.__name__)
    assert answer.status.startswith("503" if app is repaired else "200")
    found = re.match(r"service;dur=([0-9.]+), cpu;dur=", answer.headers["server-timing"])
    assert found
    assert 50 <= float(found[1]) <= took - (200 if app in (late, written) else 0)
    assert ";calls=1;kind=def" in answer.headers["x-functune-worker"]


def test_error_after_the_first_part_is_raised_in_the_app() -> None:
    went_on = []

    def broken(environ: Any, start_response: Callable[..., Any]) -> Iterator[bytes]:
        start_response("200 OK", TEXT)
        yield b"bro"
        try:
            raise ValueError("on purpose")
        except ValueError:
            start_response("500 Internal Server Error", TEXT, sys.exc_info())
            went_on.append(True)

    with pytest.raises(ValueError, match="on purpose"):
        Answer(broken)
    assert went_on == []


def test_handler_is_timed_once() -> None:
    def handler(req: object) -> str:
        return ""

    timed = timed_handler(handler, "$return")
    assert timed is not handler
    assert timed_handler(timed, "$return") is timed
