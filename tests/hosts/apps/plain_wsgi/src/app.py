"""A WSGI app without a framework, whose answers show what a middleware could change."""

import os
import time
from pathlib import Path


def app(environ, start_response):
    """Answers by the path."""
    match environ["PATH_INFO"]:
        case "/plain":
            start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
            return [b"plain"]
        case "/twice":
            start_response("200 OK", [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("X-Latin", "caf\xe9")])
            return (part for part in (b"a", b"", b"bc"))
        case "/written":
            start_response("202 Accepted", [("Content-Type", "text/plain")])(b"written ")
            return [b"returned"]
        case "/streamed":
            return streamed(start_response)
        case "/echo":
            body = environ["wsgi.input"].read()
            start_response("200 OK", [("Content-Type", "application/octet-stream")])
            return [body]
        case "/file":
            start_response("200 OK", [("Content-Length", str(Path(__file__).stat().st_size))])
            return environ["wsgi.file_wrapper"](Path(__file__).open("rb"))
        case "/pid":
            time.sleep(0.02)
            start_response("200 OK", [])
            return [str(os.getpid()).encode()]
        case "/boom":
            raise KeyError("boom")
    start_response("404 Not Found", [])
    return []


def streamed(start_response):
    """A generator that starts its answer late."""
    yield b""
    start_response("200 OK", [("Content-Type", "text/event-stream")])
    for number in range(3):
        yield f"data: {number}\n\n".encode()


def create_app(name="app"):
    """A factory."""
    return globals()[name]
