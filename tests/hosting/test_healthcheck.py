"""hosting/healthcheck.py, the command of HEALTHCHECK, against servers that answer as told."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.hosting.gunicorn_run import HOSTING


@contextmanager
def server(status: int) -> Iterator[int]:
    """A server that answers /health with ``status`` and anything else with 404; yields its port."""

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/health" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as answering:
        threading.Thread(target=answering.serve_forever, daemon=True).start()
        yield answering.server_port
        answering.shutdown()


def checked(port: int) -> subprocess.CompletedProcess[str]:
    # A proxy of the environment must not be asked.
    environ = {**os.environ, "PORT": str(port), "http_proxy": "http://127.0.0.1:9"}
    command = [sys.executable, HOSTING / "healthcheck.py"]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=30)


def test_200_is_healthy() -> None:
    with server(200) as port:
        outcome = checked(port)
    assert (outcome.returncode, outcome.stderr) == (0, "")


@pytest.mark.parametrize("status", [204, 302, 401, 404, 500, 503])
def test_any_other_status_is_not_healthy(status: int) -> None:
    with server(status) as port:
        outcome = checked(port)
    assert (outcome.returncode, outcome.stderr) == (1, f"GET /health on port {port} answered {status}, not 200\n")


def test_closed_port_is_not_healthy(closed_port: int) -> None:
    outcome = checked(closed_port)
    assert outcome.returncode == 1
    assert "ConnectionRefusedError" in outcome.stderr


def test_server_that_never_answers_is_not_healthy() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        outcome = checked(silent.getsockname()[1])
    assert outcome.returncode == 1
    assert "TimeoutError" in outcome.stderr
