"""The times file with packages that apps pin: an old azure-functions, FastAPI and Flask inside of Azure Functions."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from uv import find_uv_bin

from functune.instrument.functune_times import SETTING
from functune.timing.header import SERVER_TIMING, WORKER, ReportedCall, parse
from tests.host.serving import Serving
from tests.instrument.servers import instrumented

FASTAPI = """
import asyncio
import time
import azure.functions as func
import fastapi

api = fastapi.FastAPI()


@api.get("/awaiting")
async def awaiting():
    await asyncio.sleep(0.1)
    return {"kind": "awaiting"}


@api.get("/in-a-thread")
def in_a_thread():
    time.sleep(0.1)
    return {"kind": "in-a-thread"}


app = func.AsgiFunctionApp(app=api, http_auth_level=func.AuthLevel.ANONYMOUS)
"""
FLASK = """
import time
import azure.functions as func
import flask

site = flask.Flask(__name__)


@site.get("/wait")
def wait():
    time.sleep(0.1)
    return {"kind": "wait"}


app = func.WsgiFunctionApp(app=site.wsgi_app, http_auth_level=func.AuthLevel.ANONYMOUS)
"""
INSTRUMENTED = "\nimport functune_times\nfunctune_times.add_times(app)\n"

pytestmark = [pytest.mark.network, pytest.mark.usefixtures("index")]


def with_packages(folder: Path, *packages: str) -> Path:
    """The folder, with the packages that are deployed with it."""
    target = folder / ".python_packages" / "lib" / "site-packages"
    command = [find_uv_bin(), "pip", "install", "--quiet", "--python", sys.executable, "--target", str(target)]
    subprocess.run([*command, *packages], check=True, timeout=300)
    return folder


def framework_app(folder: Path, source: str, *packages: str) -> Path:
    """An instrumented app of a framework inside of Azure Functions."""
    instrumented("desk", folder)
    (folder / "host.json").write_text('{"version": "2.0", "extensions": {"http": {"routePrefix": ""}}}')
    (folder / "function_app.py").write_text(source + INSTRUMENTED)
    return with_packages(folder, "azure-functions", *packages)


def report_of(host: Serving, path: str) -> ReportedCall:
    began = time.perf_counter()
    answer = host.get(path)
    latency = (time.perf_counter() - began) * 1e6
    assert answer.status_code == 200, answer.text
    report = parse(answer.headers.get(WORKER), answer.headers.get(SERVER_TIMING))
    assert report is not None
    assert report.service is not None
    assert 98_000 <= report.service <= latency
    return report


@pytest.mark.parametrize("version", ["1.23.0", "1.25.0"])
def test_functions_of_older_packages_report_their_times(version: str, tmp_path: Path) -> None:
    folder = instrumented("desk", tmp_path / "app", "functune_times.add_times(app)")
    with Serving(with_packages(folder, f"azure-functions=={version}"), **{SETTING: "1"}) as host:
        host.ready()
        assert report_of(host, "/api/awaiting?ms=100").kind == "async"
        text = host.request("POST", "/api/text", content='{"status": 201, "body": "made"}')
        assert (text.status_code, text.text, WORKER in text.headers) == (201, "made", True)
        assert host.get("/api/set").status_code == 202


def test_fastapi_inside_of_functions_reports_its_times(tmp_path: Path) -> None:
    with Serving(framework_app(tmp_path / "app", FASTAPI, "fastapi"), **{SETTING: "1"}) as host:
        host.ready()
        for path in ("/awaiting", "/in-a-thread"):
            report = report_of(host, path)
            assert report.kind == "async"
            assert report.service is not None
            assert report.loop is not None
            # Another program may take the core after the wait has begun, and before the loop is free.
            assert report.service - report.loop > 50_000, "the wait of 100 ms does not hold the loop"


def test_flask_inside_of_functions_reports_its_times(tmp_path: Path) -> None:
    with Serving(framework_app(tmp_path / "app", FLASK, "flask"), **{SETTING: "1"}) as host:
        assert report_of(host.ready(), "/wait").kind == "def"
