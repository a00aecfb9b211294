"""The routes a running host lists."""

from pathlib import Path
from typing import Any

import pytest

from functune.hosts.local import LOCAL_HOST
from functune.hosts.routes import http_routes
from functune.hosts.served_app import ServedApp
from functune.hosts.url import RemoteHost
from functune.setting import Setting
from tests.host.serving import APPS, Serving

APP = """
import azure.functions as func
app = func.FunctionApp()

@app.route("orders/{id}", methods=["GET", "POST"])
def orders(req: func.HttpRequest) -> str:
    return "ok"

@app.route("any", auth_level="anonymous")
def whatever(req: func.HttpRequest) -> str:
    return "ok"

@app.timer_trigger(arg_name="timer", schedule="0 0 0 * * *")
def nightly(timer) -> None: ...
"""


async def test_started_host_lists_the_routes_of_its_app(tmp_path: Path) -> None:
    (tmp_path / "function_app.py").write_text(APP)
    disabled = {"AzureWebJobs.whatever.Disabled": "true"}
    async with LOCAL_HOST.running(ServedApp(tmp_path), setting=Setting()) as host:
        assert await host.routes() == ["GET /api/orders/{id}", "POST /api/orders/{id}", "ANY /api/any"]
        remote = RemoteHost(host.base_url, key=None, route="/api/any")
        assert await remote.routes() == await host.routes()
    assert await host.routes() == [], "it has stopped"
    async with LOCAL_HOST.running(ServedApp(tmp_path), setting=Setting(), app_settings=disabled) as host:
        assert await host.routes() == ["GET /api/orders/{id}", "POST /api/orders/{id}"]


async def test_host_that_keeps_its_functions_from_the_key_lists_no_routes() -> None:
    with Serving(APPS / "keyed", "--enable-auth", FUNCTUNE_FUNCTION_KEY="f", FUNCTUNE_MASTER_KEY="m") as serving:
        url = serving.line(r"Host started, listening on (\S+)")[1]
        assert await RemoteHost(url, key="f", route="/api/keyed").routes() == []
        assert "ANY /api/keyed" in await RemoteHost(url, key="m", route="/api/keyed").routes()


@pytest.mark.parametrize(
    "document", [None, {}, "x", [1], [{"name": "x"}], [{"invoke_url_template": None, "config": {"bindings": []}}]]
)
def test_document_that_is_no_function_list_has_no_routes(document: Any) -> None:
    assert http_routes(document) == []
