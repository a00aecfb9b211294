"""Tokens, in a process of its own for each environment: a worker makes its credential once."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from blueprints import identity
from tests.blueprints.conftest import Call
from tests.blueprints.servers import Servers

ROOT = Path(__file__).parents[2]
STORAGE = "https://storage.azure.com/.default"

# Calls each handler as a worker does, one after another, and prints what the answers hold.
SCRIPT = """
import asyncio, json, sys
import azure.functions as func
from blueprints import identity

def request(scope):
    return func.HttpRequest(method="GET", url="http://localhost/", params={"scope": scope} if scope else {}, body=b"")

async def main():
    answers = []
    for scope in json.loads(sys.argv[1]):
        answers.append(await asyncio.to_thread(identity.sync_identity, request(scope)))
        answers.append(await identity.async_identity(request(scope)))
    print(json.dumps([[answer.status_code, json.loads(answer.get_body())] for answer in answers]))

asyncio.run(main())
"""


async def answers(*scopes: str | None, **environment: str) -> list[tuple[int, dict[str, Any]]]:
    bare = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AZURE_", "IDENTITY_", "MSI_")) and not name.lower().endswith("_proxy")
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", SCRIPT, json.dumps(scopes)),
        cwd=ROOT,
        env={**bare, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, errors.decode()
    return [(status, body) for status, body in json.loads(output)]


async def test_identity_gets_a_token_and_caches_it(servers: Servers) -> None:
    address = await servers.start()
    got = await answers(
        *(None, None, STORAGE), IDENTITY_ENDPOINT=f"http://{address}/msi/token", IDENTITY_HEADER="sesame"
    )
    assert [status for status, _ in got] == [200] * 6
    assert [body["acquired"] for _, body in got] == [True] * 6
    # Each colour has a credential of its own: both ask once for each scope, and not again.
    assert [body["cached"] for _, body in got] == [False, False, True, True, False, False]
    assert servers.calls == {"/msi/token": 4}
    for _, body in got:
        assert body.keys() == {
            *("acquired", "expiresOn", "elapsedMs", "cached", "worker", "scaleSettings", "scaleSettingsProblem")
        }
        assert "token-for" not in json.dumps(body)


async def test_identity_is_unavailable_where_there_is_none() -> None:
    got = await answers(None)
    for status, body in got:
        assert status == 503
        assert "IDENTITY_ENDPOINT is not set" in body["detail"]


@pytest.mark.parametrize("header", ["wrong", "sesame"])
async def test_identity_is_unavailable_when_the_endpoint_fails(
    servers: Servers, refusing_address: str, header: str
) -> None:
    address = await servers.start() if header == "wrong" else refusing_address
    got = await answers(None, IDENTITY_ENDPOINT=f"http://{address}/msi/token", IDENTITY_HEADER=header)
    for status, body in got:
        assert status == 503
        assert "IDENTITY_ENDPOINT is set" in body["detail"]
        assert header not in body["detail"]


@pytest.mark.parametrize("handler", [identity.sync_identity, identity.async_identity], ids=["sync", "async"])
@pytest.mark.parametrize("scope", ["", "https://graph.microsoft.com/.default", "https://vault.azure.net/"])
async def test_scope_not_allowed_is_forbidden(call: Call, handler: Any, scope: str) -> None:
    answer = await call(handler, {"scope": scope})
    assert (answer.status, answer.mimetype) == (403, "application/problem+json")
    assert f"scope {scope!r} is not allowed" in answer.body["detail"]
    assert "IDENTITY_ALLOWED_SCOPES" in answer.body["detail"]


async def test_allowed_scopes_are_a_setting(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDENTITY_ALLOWED_SCOPES", "https://example.com/.default")
    assert (await call(identity.sync_identity)).status == 403
