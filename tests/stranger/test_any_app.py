"""Flask, FastAPI and Django apps on Gunicorn and Uvicorn, swept from an empty folder."""

import json
import re
import subprocess
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.stranger.installed import Stranger
from tests.stranger.said import hidden_by_other_programs, page_of

pytestmark = pytest.mark.network

DELAY = 0.06
"""
Seconds that the bank takes to answer: much longer than the client computes, also where that waits for a core, and so
short that an event loop which blocks for it serves 8 users within half a second.
"""


class Bank(BaseHTTPRequestHandler):
    """Answers a rate, slowly."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet for the whole answer

    def do_GET(self) -> None:
        time.sleep(DELAY)
        self.send_response(200)
        self.send_header("content-length", "3")
        self.end_headers()
        self.wfile.write(b"1.1")

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


@pytest.fixture
def bank() -> Iterator[str]:
    """The URL of the bank."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Bank) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def swept(
    stranger: Stranger, app: Path, *flags: str, routes: list[str], users: int, settings: str, **environ: str
) -> subprocess.CompletedProcess[str]:
    """
    A sweep of every step, and its profile: unlike those of tune they have no deadline, so a busy machine has them too.

    Each route is called by one user and by ``users``.
    """
    asked = stranger.folder / "asked.toml"
    asked.write_text(
        f"""
        name = "asked"
        question = "What limits them?"
        workload.routes = {json.dumps(routes)}
        settings = {settings}
        load = {{ users = [1, {users}], warm_up = 0.3, measure = 2, search = "grid" }}
        """
    )
    return stranger.call("sweep", asked, "--script-root", app, "--install", "--no-calibration", *flags, **environ)


def experiments_of(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    """The experiments of the report."""
    assert done.returncode == 0, done.stderr
    return list(json.loads(page_of(done).with_name("report.json").read_text())["experiments"])


def limits_of(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The limit of each route of the report."""
    return {route: limit for each in experiments_of(done) for route, limit in each["limits"].items()}


def assert_place(limit: dict[str, Any], app: Path, file: str, text: str) -> None:
    """The limit is at the line with a text."""
    [line] = [number for number, each in enumerate((app / file).read_text().splitlines(), 1) if text in each]
    assert (limit["where"]["file"], limit["where"]["line"]) == (file, line)


@pytest.mark.parametrize("app", ["web_flask"], indirect=True)
def test_flask_app_that_waits_gets_threads(app: Path, stranger: Stranger) -> None:
    wsgi = ("--app", "shop:create_app()")
    done = swept(stranger, app, *wsgi, routes=["/orders/7"], users=8, settings="{ thread_count = [1, 16] }")
    [experiment] = experiments_of(done)
    [limit] = experiment["limits"].values()
    if not hidden_by_other_programs(limit, done):
        assert limit["kind"] == "threads", limit
        assert_place(limit, app, "shop/services/stock.py", "time.sleep")
    setting = experiment["advice"][0]["setting"]
    assert (setting["host"], setting["thread_count"]) == ("gunicorn:gthread", 16)
    assert re.search(r"^    GUNICORN_CMD_ARGS=--worker-class gthread --threads 16$", done.stdout, re.MULTILINE)
    assert "WEB_CONCURRENCY=" in done.stdout
    assert "PYTHON_THREADPOOL_THREAD_COUNT" not in done.stdout


@pytest.mark.parametrize("app", ["web_fastapi"], indirect=True)
def test_fastapi_app_with_a_blocking_client_and_a_def_endpoint_that_waits_for_the_limiter(
    app: Path, stranger: Stranger, bank: str
) -> None:
    flags = ("--app", "api.main:app", "--host", "uvicorn")
    done = swept(stranger, app, *flags, routes=["/prices/7", "/archive/7"], users=8, settings="{}", BANK_URL=bank)
    limits = limits_of(done)
    if not hidden_by_other_programs(limits["/prices/7"], done):
        assert limits["/prices/7"]["kind"] == "event_loop_blocked", limits
        assert_place(limits["/prices/7"], app, "api/clients/rates.py", "_session.get")
    if not hidden_by_other_programs(limits["/archive/7"], done):
        assert limits["/archive/7"]["kind"] == "pool", limits
        assert "CapacityLimiter" in json.dumps(limits["/archive/7"])
        assert limits["/archive/7"]["where"]["file"] == "api/main.py"
        assert "current_default_thread_limiter().total_tokens" in done.stdout


@pytest.mark.parametrize("app", ["web_django"], indirect=True)
def test_django_app_that_computes(app: Path, stranger: Stranger) -> None:
    wsgi = ("--app", "config.wsgi:application")
    done = swept(stranger, app, *wsgi, routes=["/reports/2026/"], users=16, settings="{ thread_count = [16] }")
    [limit] = limits_of(done).values()
    if not hidden_by_other_programs(limit, done):
        used = re.match(r"one process uses ([\d.]+) cores", limit["evidence"][0])
        assert used, limit
        # Threads look for the GIL every 5 ms: where each look waits long for a core, all of them seem to want one.
        is_starved = float(used[1]) < 0.5 and "Other programs used" in done.stdout
        assert limit["kind"] in ({"gil", "cores"} if is_starved else {"gil"}), limit
        assert limit["where"]["file"] == "reports/totals.py"
        assert limit["where"]["function"] == "yearly_total"


@pytest.mark.parametrize("app", ["web_flask"], indirect=True)
def test_wrong_names_and_routes_are_said(app: Path, stranger: Stranger) -> None:
    root = ("--script-root", app, "--install")
    wrong = stranger.call("tune", "/orders/7", "--app", "shop:app", *root)
    said = "functune: --app shop:app: shop (shop/__init__.py) has no app; it has create_app"
    assert (wrong.returncode, wrong.stderr.splitlines()[-1]) == (2, said)
    lost = stranger.call("tune", "/order/7", "--app", "shop:create_app()", *root)
    assert lost.returncode == 3
    assert "GET /order/7: HTTP 404" in lost.stderr
    assert "The app has these routes: GET /orders/<int:number>" in lost.stderr
    assert not (stranger.folder / "runs").exists()
