"""anyio's limiter at the number of a setting, in the processes of every host that has it."""

import asyncio
from pathlib import Path

import httpx
import pytest

from functune.errors import HostError, UsageError
from functune.hosts.kinds import HostKind
from functune.hosts.registry import host_kind
from functune.hosts.served_app import ServedApp
from functune.setting import Setting
from tests.hosts.func_on_path import install_stand_in
from tests.hosts.pool_threads import endpoint_threads

ROOT = Path(__file__).parents[2]
APP = Path(__file__).parent / "apps" / "own_limiter"
FUNCTION_APP = """
import azure.functions as func

app = func.FunctionApp()


@app.route("answer")
def answer(req: func.HttpRequest) -> str:
    return "a"
"""
OF_APP = 7
"""The tokens that the app sets itself."""


async def tokens_and_threads(kind: HostKind, app: ServedApp, tokens: int | None) -> tuple[list[float], int]:
    """
    The tokens of the limiter that the second and the third call see, and the threads of an endpoint.

    A function app starts with its first call.
    """
    async with (
        kind.running(app, setting=Setting(limiter_tokens=tokens)) as host,
        httpx.AsyncClient(base_url=host.base_url, trust_env=False, verify=False, timeout=30) as client,
    ):
        replies = [(await client.get("/tokens")).raise_for_status() for _ in range(3)]
        threads = await endpoint_threads(client, "/report", expected=tokens or OF_APP)
    return [reply.json() for reply in replies[1:]], threads


@pytest.mark.parametrize(
    ("host", "entry"),
    [
        ("local", None),
        ("uvicorn", None),
        ("uvicorn", "main:app"),
        ("gunicorn:asgi", "main:app"),
        ("gunicorn:uvicorn", "main:app"),
    ],
)
async def test_number_of_the_setting_replaces_that_of_the_app(
    host: str, entry: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a number the app's stays, also where the environment of the sweep has another."""
    monkeypatch.setenv("FUNCTUNE_LIMITER_TOKENS", "3")
    app = ServedApp(APP, entry, ROOT)
    found = await asyncio.gather(*(tokens_and_threads(host_kind(host), app, tokens) for tokens in (12, None)))
    assert found == [([12, 12], 12), ([OF_APP, OF_APP], OF_APP)]


@pytest.mark.parametrize(("host", "entry"), [("local", None), ("uvicorn", None), ("uvicorn", "main:app")])
async def test_app_without_anyio_is_not_measured_with_a_limiter(host: str, entry: str | None, tmp_path: Path) -> None:
    """An app without packages of its own: the lab's anyio is not lent to it."""
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    (tmp_path / "function_app.py").write_text(FUNCTION_APP)
    (tmp_path / "main.py").write_text("async def app(scope, receive, send):\n    pass\n")
    running = host_kind(host).running(ServedApp(tmp_path, entry), setting=Setting(limiter_tokens=80))
    with pytest.raises(HostError, match="limiter_tokens is 80, and the app has no anyio") as raised:
        async with running:
            pytest.fail("it started")
    assert "Traceback" not in str(raised.value)


def test_hosts_that_do_not_have_the_limiter_refuse_a_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_stand_in(tmp_path, monkeypatch)
    for name in ("func", "gunicorn:gthread", "gunicorn:sync"):
        with pytest.raises(UsageError, match=f'--host {name}: limiter_tokens is 80, .* allowed is "unset"'):
            host_kind(name).require_settable([Setting(limiter_tokens=80)], with_target=[])
