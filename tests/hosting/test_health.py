"""GET /health of the showcase app, on the local host."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.host.serving import Serving
from tests.infra.bicep import ROOT

PATIENCE = 30.0
"""Seconds a condition may take on a busy machine."""


def test_health_needs_no_key_and_other_routes_do() -> None:
    with Serving(ROOT, "--enable-auth", FUNCTUNE_FUNCTION_KEY="opens-functions") as host:
        host.line("Host started")
        host.url = host.line(r"listening on (\S+)")[1]
        assert host.get("/health").json() == {"status": "healthy"}
        assert host.get("/api/sync/sleep?ms=1").status_code == 401


class Held(ThreadingHTTPServer):
    """A server that answers once it is let go."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), HeldAnswer)
        self.address = f"127.0.0.1:{self.server_address[1]}"
        self.asked, self.let_go = threading.Event(), threading.Event()


class HeldAnswer(BaseHTTPRequestHandler):
    """One answer of it."""

    server: Held

    def do_GET(self) -> None:
        self.server.asked.set()
        self.server.let_go.wait(PATIENCE)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def held() -> Iterator[Held]:
    """A server that holds the calls of the app."""
    with Held() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.let_go.set()
        server.shutdown()


def test_health_is_answered_while_every_thread_is_busy(held: Held) -> None:
    settings = {"PYTHON_THREADPOOL_THREAD_COUNT": "1", "FETCH_ALLOWED_HOSTS": held.address}
    with Serving(ROOT, **settings) as host, ThreadPoolExecutor(2) as clients:
        host.ready()
        calls = [clients.submit(host.get, f"/api/sync/fetch?url=http://{held.address}/") for _ in range(2)]
        assert held.asked.wait(PATIENCE)
        assert host.get("/health").status_code == 200
        assert not any(call.done() for call in calls)
        held.let_go.set()
        assert {call.result().status_code for call in calls} == {200}
