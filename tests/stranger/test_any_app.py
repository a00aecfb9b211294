"""Flask, FastAPI and Django apps on Gunicorn and Uvicorn, tuned from an empty folder."""

import json
import re
import subprocess
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from tests.stranger.installed import Stranger
from tests.stranger.said import left_no_time_to_profile

pytestmark = pytest.mark.network

DELAY = 0.03
"""Seconds that the bank takes to answer."""
BUDGET = 30
"""Seconds: the line of code needs a profile, for which the smallest budget has no time on a busy machine."""


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


def answered(done: subprocess.CompletedProcess[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The experiment of the report, and the limit of its only subject."""
    assert done.returncode == 0, done.stderr
    page = re.search(r"^Report: (file://\S+)$", done.stdout, re.MULTILINE)
    assert page, done.stdout
    report = json.loads(Path(unquote(urlsplit(page[1]).path)).with_name("report.json").read_text())
    [experiment] = report["experiments"]
    [limit] = experiment["limits"].values()
    return experiment, limit


def assert_place(
    limit: dict[str, Any], done: subprocess.CompletedProcess[str], app: Path, file: str, text: str
) -> None:
    """The limit is at the line with a text, unless a busy machine left no time to profile, which is said."""
    if limit["where"] is None:
        assert left_no_time_to_profile(done)
        return
    [line] = [number for number, each in enumerate((app / file).read_text().splitlines(), 1) if text in each]
    assert (limit["where"]["file"], limit["where"]["line"]) == (file, line)


@pytest.mark.parametrize("app", ["web_flask"], indirect=True)
def test_flask_app_that_waits_gets_threads(app: Path, stranger: Stranger) -> None:
    done = stranger.tune(app, "/orders/7", "--app", "shop:create_app()", "--install", budget_of=BUDGET)
    experiment, limit = answered(done)
    assert limit["kind"] == "threads", limit
    assert_place(limit, done, app, "shop/services/stock.py", "time.sleep")
    assert "PYTHON_THREADPOOL_THREAD_COUNT" not in done.stdout
    if not experiment["advice"]:  # other programs left time for one setting alone
        assert re.search(r"^The budget of \d+ s ended before the search did. Not measured: ", done.stdout, re.MULTILINE)
        return
    setting = experiment["advice"][0]["setting"]
    assert (setting["host"], setting["thread_count"] >= 16) == ("gunicorn:gthread", True)
    assert re.search(r"^    GUNICORN_CMD_ARGS=--worker-class gthread --threads \d+$", done.stdout, re.MULTILINE)
    assert "WEB_CONCURRENCY=" in done.stdout


@pytest.mark.parametrize("app", ["web_fastapi"], indirect=True)
def test_fastapi_app_with_a_blocking_client_in_an_async_endpoint(app: Path, stranger: Stranger, bank: str) -> None:
    request = ("/prices/7", "--app", "api.main:app", "--host", "uvicorn", "--install")
    done = stranger.tune(app, *request, budget_of=BUDGET, BANK_URL=bank)
    _, limit = answered(done)
    assert limit["kind"] == "event_loop_blocked", limit
    assert_place(limit, done, app, "api/clients/rates.py", "_session.get")


@pytest.mark.parametrize("app", ["web_fastapi"], indirect=True)
def test_fastapi_app_whose_def_endpoint_waits_for_the_limiter(app: Path, stranger: Stranger) -> None:
    done = stranger.tune(app, "/archive/7", "--app", "api.main:app", "--install", budget_of=BUDGET)
    _, limit = answered(done)
    assert limit["kind"] == "pool", limit
    assert "CapacityLimiter" in json.dumps(limit)
    assert limit["where"]["file"] == "api/main.py"
    assert "current_default_thread_limiter().total_tokens" in done.stdout


@pytest.mark.parametrize("app", ["web_django"], indirect=True)
def test_django_app_that_computes(app: Path, stranger: Stranger) -> None:
    request = ("/reports/2026/", "--app", "config.wsgi:application", "--install")
    _, limit = answered(stranger.tune(app, *request, budget_of=BUDGET))
    if limit["kind"] == "unknown":  # other programs used the cores
        assert "other programs" in limit["reason"], limit
        return
    assert limit["kind"] == "gil", limit
    assert limit["where"]["file"] == "reports/totals.py"
    assert limit["where"]["function"] == "yearly_total"


@pytest.mark.parametrize("app", ["web_flask"], indirect=True)
def test_wrong_names_hosts_and_routes_are_said(app: Path, stranger: Stranger) -> None:
    root = ("--script-root", app, "--install")
    wrong = stranger.call("tune", "/orders/7", "--app", "shop:app", *root)
    assert (wrong.returncode, wrong.stderr.strip()) == (
        2,
        "functune: --app shop:app: shop (shop/__init__.py) has no app; it has create_app",
    )
    unfit = stranger.call("tune", "/orders/7", "--app", "shop:create_app()", "--host", "uvicorn", *root)
    assert unfit.returncode == 2
    assert "shop:create_app() is a WSGI app; uvicorn serves ASGI" in unfit.stderr
    lost = stranger.call("tune", "/order/7", "--app", "shop:create_app()", *root)
    assert lost.returncode == 3
    assert "GET /order/7: HTTP 404" in lost.stderr
    assert "The app has these routes: GET /orders/<int:number>" in lost.stderr
    assert not (stranger.folder / "runs").exists()
