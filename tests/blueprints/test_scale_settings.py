"""The app under the real local host, with Azure's identity endpoint and Resource Manager on loopback around it."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from blueprints.resource_manager import TIMEOUT_SECONDS
from functune.hosts.local import LOCAL_HOST, HostProcess
from functune.hosts.served_app import ServedApp
from functune.setting import Setting
from tests.blueprints.azure import OBJECT_ID, REFUSAL, SITE, Azure

ROOT = Path(__file__).parents[2]
PATIENCE = 30.0
"""Seconds a condition may take on a busy machine."""


@pytest.fixture
async def azure() -> AsyncIterator[Azure]:
    azure = Azure()
    await azure.start()
    yield azure
    await azure.close()


def serving(settings: dict[str, str]) -> HostProcess:
    """The app with a log that also has the calls of the credential, which its own logLevel hides."""
    log_level = {"AzureFunctionsJobHost__logging__logLevel__default": "Information"}
    return LOCAL_HOST.running(ServedApp(ROOT), setting=Setting(thread_count=4), app_settings=settings | log_level)


def client(host: HostProcess) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=host.base_url, trust_env=False, verify=False, timeout=PATIENCE)


async def probed(asking: httpx.AsyncClient) -> dict[str, Any]:
    answer = await asking.get("/api/concurrency-probe")
    assert answer.status_code == 200
    body: dict[str, Any] = answer.json()
    return body


async def read(asking: httpx.AsyncClient) -> dict[str, Any]:
    """The first probe after the reading that an earlier one started."""
    async with asyncio.timeout(PATIENCE):
        while True:
            body = await probed(asking)
            if body["platform"]["scaleSettingsReadAt"] is not None:
                return body
            await asyncio.sleep(0.1)


async def printed(host: HostProcess, text: str) -> str:
    """The log, once the text is in it: a line arrives after the host has printed it."""
    async with asyncio.timeout(PATIENCE):
        while True:
            if text in (log := host.tail(200)):
                return log
            await asyncio.sleep(0.05)


def findings(body: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (found["severity"], found["message"])
        for found in body["findings"]
        if found["setting"] == "perInstanceConcurrency"
    ]


async def test_probe_shows_the_live_scale_settings(azure: Azure) -> None:
    async with serving(azure.settings) as host, client(host) as asking:
        platform = (await read(asking))["platform"]
        # A second later they are known: many probes, and still one call of each kind.
        bodies = await asyncio.gather(*(probed(asking) for _ in range(20)))
        log = await printed(host, "msi/token")
    assert platform["perInstanceConcurrency"] == 24
    assert platform["instanceMemoryMb"] == 4096
    assert platform["maximumInstanceCount"] == 60
    assert platform["alwaysReadyInstances"] == {"http": 2}
    assert [body["platform"] for body in bodies] == [platform] * 20
    assert azure.calls == {"/msi/token": 1, SITE: 1}
    [(severity, message)] = findings(bodies[0])
    assert severity == "warning"
    assert "the instance admits 24 calls, and 4 threads in 1 worker process serve" in message
    # The whole log: what the credential says of its call is in it, and the start before that.
    assert "Worker process started" in log
    assert "msi/token" in log
    for text in (log, json.dumps(bodies)):
        assert "token-for" not in text
        assert "sesame" not in text


async def test_identity_routes_wait_for_the_reading_and_share_it(azure: Azure) -> None:
    async with serving(azure.settings) as host, client(host) as asking:
        scope = {"scope": azure.settings["IDENTITY_ALLOWED_SCOPES"]}
        routes = ["/api/identity/async", "/api/identity/sync"] * 3
        answers = await asyncio.gather(*(asking.get(route, params=scope) for route in routes))
        fetched = await asking.get("/api/async/fetch", params={"url": f"http://{azure.address}{SITE}"})
        log = host.tail(200)
    for answer in answers:
        assert answer.status_code == 200
        assert answer.json()["scaleSettings"]["perInstanceConcurrency"] == 24
        assert answer.json()["scaleSettingsProblem"] is None
        assert "token-for" not in answer.text
    assert azure.reads == 1
    assert "token-for" not in log
    # What the app may call on its own account is not what a caller may make it call.
    assert fetched.status_code == 403
    assert "FETCH_ALLOWED_HOSTS" in fetched.json()["detail"]


async def test_probe_says_why_the_scale_settings_are_not_there(azure: Azure) -> None:
    azure.status, azure.body, words = 403, json.dumps(REFUSAL).encode(), "give it the role Reader on the site"
    async with serving(azure.settings) as host, client(host) as asking:
        first = await probed(asking)
        later = await read(asking)
        await asyncio.gather(*(probed(asking) for _ in range(10)))
        identity = await asking.get("/api/identity/async", params={"scope": f"http://{azure.address}/.default"})
        log = host.tail(200)
    assert [severity for severity, _ in findings(first)] == ["info"]
    assert "has not finished" in findings(first)[0][1]
    [(severity, message)] = findings(later)
    assert severity == "warning"
    assert words in message
    assert [later["platform"][name] for name in ("perInstanceConcurrency", "alwaysReadyInstances")] == [None, None]
    # A failure is kept as well, for a shorter time.
    assert azure.reads == 1
    assert identity.status_code == 200
    assert (identity.json()["scaleSettings"], words in identity.json()["scaleSettingsProblem"]) == (None, True)
    assert OBJECT_ID not in json.dumps(later) + identity.text + log
    assert "Traceback" not in log


@pytest.mark.parametrize("path", [SITE, "/msi/token"], ids=["site", "token"])
async def test_probe_does_not_wait_for_an_endpoint_that_hangs(azure: Azure, path: str) -> None:
    azure.held_path = path
    async with serving(azure.settings) as host, client(host) as asking:
        began = time.monotonic()
        first = await probed(asking)
        async with asyncio.timeout(PATIENCE):
            await azure.asked.wait()
        bodies = await asyncio.gather(*(probed(asking) for _ in range(10)))
        took = time.monotonic() - began
        assert (azure.held, azure.calls[path]) == (1, 1)
        later = await read(asking)
    assert "has not finished" in findings(first)[0][1]
    # All of these are answered while the one reading is held. On a busy machine it may be given up meanwhile.
    assert took > TIMEOUT_SECONDS or all("has not finished" in findings(body)[0][1] for body in bodies)
    assert "timed out after 3000 ms" in findings(later)[0][1]
    assert azure.calls[path] == 1


async def test_probe_says_when_the_identity_gives_no_token(azure: Azure) -> None:
    async with serving({**azure.settings, "AZURE_CLIENT_ID": "of-no-identity-here"}) as host, client(host) as asking:
        later = await read(asking)
    assert "AZURE_CLIENT_ID if it is user-assigned" in findings(later)[0][1]
    assert azure.reads == 0


async def test_probe_calls_nobody_outside_flex_consumption(azure: Azure) -> None:
    async with serving({**azure.settings, "WEBSITE_SKU": ""}) as host, client(host) as asking:
        body = await probed(asking)
        scope = {"scope": azure.settings["IDENTITY_ALLOWED_SCOPES"]}
        answers = [await asking.get(f"/api/identity/{colour}", params=scope) for colour in ("sync", "async")]
        again = await probed(asking)
    assert body["platform"]["plan"] == "local"
    for each in (body, again):
        assert findings(each) == []
        assert each["platform"]["scaleSettingsReadAt"] is None
        assert each["platform"]["perInstanceConcurrency"] is None
    for answer in answers:
        assert (answer.json()["scaleSettings"], answer.json()["scaleSettingsProblem"]) == (None, None)
    assert azure.reads == 0
