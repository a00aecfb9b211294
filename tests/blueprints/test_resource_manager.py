"""Where the site is read, what its answer says, and how a reading is shared and kept."""

import asyncio
import json
import logging
import threading
from typing import Any

import pytest

from blueprints import scale_settings
from blueprints.resource_manager import NotReadError, ScaleSettings, parse, source
from blueprints.scale_settings import KEEP_FAILURE_SECONDS, KEEP_SECONDS, UNDER_WAY, Reader, Reading, describe
from tests.blueprints.azure import SCALE, SITE, site

READ = ScaleSettings(24, 4096, 60, {"http": 2})


def test_source_is_the_site_at_the_public_cloud_unless_another_is_set() -> None:
    public = source({"SITE_RESOURCE_ID": SITE})
    assert public.url == f"https://management.azure.com{SITE}?api-version=2024-11-01"
    assert public.scope == "https://management.azure.com/.default"
    sovereign = {"SITE_RESOURCE_ID": SITE, "RESOURCE_MANAGER_ENDPOINT": "https://management.chinacloudapi.cn/"}
    assert source(sovereign).url.startswith("https://management.chinacloudapi.cn/subscriptions/")
    assert source(sovereign).scope == "https://management.chinacloudapi.cn/.default"


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:8080", "http://localhost:1/", "http://[::1]:8080"])
def test_endpoint_on_loopback_may_be_plain_http(endpoint: str) -> None:
    read_from = source({"SITE_RESOURCE_ID": SITE, "RESOURCE_MANAGER_ENDPOINT": endpoint})
    assert read_from.url.startswith(endpoint.rstrip("/") + "/subscriptions/")


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://management.azure.com",
        "http://127.0.0.1.example.com",
        "https://user@management.azure.com",
        "https://management.azure.com/path",
        "https://management.azure.com?a=b",
        "https://management.azure.com#a",
        "https://management.azure.com:port",
        "https://",
        "ftp://localhost",
        "management.azure.com",
        " https://management.azure.com",
        "https://[::1",
        "https://management..azure.com",
        f"https://{'a' * 64}.azure.com",
    ],
)
def test_endpoint_a_token_must_not_go_to_is_refused(endpoint: str) -> None:
    with pytest.raises(NotReadError, match=r"RESOURCE_MANAGER_ENDPOINT is .* set it to an https origin"):
        source({"SITE_RESOURCE_ID": SITE, "RESOURCE_MANAGER_ENDPOINT": endpoint})


@pytest.mark.parametrize(
    "text", ["func-1", SITE.removeprefix("/"), f"{SITE}/slots/a", f"{SITE}?a=b", f"{SITE}\n", SITE.replace("rg-1", "")]
)
def test_site_id_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(NotReadError, match="SITE_RESOURCE_ID is '"):
        source({"SITE_RESOURCE_ID": text})


def test_site_id_that_is_missing_is_explained() -> None:
    with pytest.raises(NotReadError, match="SITE_RESOURCE_ID is not set"):
        source({"SITE_RESOURCE_ID": ""})


def test_answer_is_read() -> None:
    assert parse(200, json.dumps(site(SCALE)).encode()) == READ


def test_concurrency_that_was_never_set_is_shown_as_none() -> None:
    never_set = {"alwaysReady": None, "instanceMemoryMB": 2048, "triggers": None}
    read = parse(200, json.dumps(site(never_set)).encode())
    assert read == ScaleSettings(None, 2048, None, {})
    shown = describe(Reading(read, read_at=1.0))
    assert (shown["perInstanceConcurrency"], shown["instanceMemoryMb"], shown["alwaysReadyInstances"]) == (
        None,
        2048,
        {},
    )


@pytest.mark.parametrize(
    "scale",
    [
        None,
        [],
        {"instanceMemoryMB": "2048"},
        {"maximumInstanceCount": True},
        {"triggers": {"http": 16}},
        {"alwaysReady": [{"name": "http"}]},
        {"alwaysReady": 1},
    ],
    ids=str,
)
def test_answer_of_another_shape_is_refused(scale: Any) -> None:
    with pytest.raises(NotReadError, match="without a usable functionAppConfig"):
        parse(200, json.dumps(site(scale)).encode())


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"null", b"\xff", b"{}", b'{"properties": {"functionAppConfig": null}}', b"[" * 9999),
        b"<html>captive portal</html>",
    ],
)
def test_answer_without_a_flex_site_is_refused(body: bytes) -> None:
    with pytest.raises(NotReadError, match="without a usable functionAppConfig"):
        parse(200, body)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        *((401, "RESOURCE_MANAGER_ENDPOINT"), (403, "give it the role Reader on the site")),
        *((404, "check SITE_RESOURCE_ID"), (429, "throttles"), (500, "later")),
    ],
)
def test_answer_of_another_status_says_what_to_do(status: int, words: str) -> None:
    with pytest.raises(NotReadError, match=f"answered {status}: .*{words}"):
        parse(status, b"")


class Site:
    """A reading to share: counted, held back until released, failing when asked to."""

    def __init__(self) -> None:
        self.now = 100.0
        self.reads = 0
        self.error: Exception | None = None
        self.released = threading.Event()
        self.released.set()
        self.reader = Reader(self.read, self.read_async, clock=lambda: self.now)

    def read(self) -> ScaleSettings:
        self.reads += 1
        assert self.released.wait(30)
        if self.error is not None:
            raise self.error
        return READ

    async def read_async(self) -> ScaleSettings:
        return await asyncio.to_thread(self.read)


@pytest.mark.parametrize(
    ("error", "seconds"), [(None, KEEP_SECONDS), (NotReadError("no role"), KEEP_FAILURE_SECONDS)], ids=["ok", "failure"]
)
async def test_reading_is_kept_for_its_time_and_then_read_again(error: Exception | None, seconds: float) -> None:
    read = Site()
    read.error = error
    first = await read.reader.wait_async()
    read.now += seconds - 0.1
    assert await read.reader.wait_async() is first
    assert await asyncio.to_thread(read.reader.wait_sync) is first
    assert read.reads == 1
    read.now += 0.2
    assert await read.reader.wait_async() is not first
    assert read.reads == 2


async def test_peek_shows_the_last_reading_while_the_next_is_under_way() -> None:
    read = Site()
    read.released.clear()
    assert read.reader.peek() is UNDER_WAY
    read.released.set()
    first = await read.reader.wait_async()
    assert first.settings == READ
    read.now += KEEP_SECONDS
    read.released.clear()
    assert read.reader.peek() is first
    read.released.set()
    second = await read.reader.wait_async()
    assert (second is not first, read.reader.peek() is second, read.reads) == (True, True, 2)


async def test_threads_and_coroutines_share_one_reading() -> None:
    read = Site()
    read.released.clear()
    waiting: list[asyncio.Future[Any]] = [
        asyncio.create_task(asyncio.to_thread(read.reader.wait_sync)) for _ in range(2)
    ]
    waiting += [asyncio.create_task(read.reader.wait_async()) for _ in range(3)]
    # One that gives up takes nothing from the others.
    await asyncio.sleep(0)
    waiting.pop().cancel()
    read.released.set()
    readings = await asyncio.gather(*waiting)
    assert read.reads == 1
    assert {id(reading) for reading in readings} == {id(readings[0])}
    assert readings[0].settings == READ


async def test_fault_of_our_own_is_logged_and_fails_nobody(caplog: pytest.LogCaptureFixture) -> None:
    read = Site()
    read.error = ZeroDivisionError("ours")
    with caplog.at_level(logging.ERROR, logger=scale_settings.__name__):
        reading = await read.reader.wait_async()
    assert reading.problem == "unexpected ZeroDivisionError; see the log of the worker"
    assert caplog.records[0].exc_info is not None


def test_reading_without_request_there_is_an_answer_on_other_plans_and_for_settings_of_no_use() -> None:
    flex = {"WEBSITE_SKU": "FlexConsumption"}
    assert scale_settings.reading_without_request({"SITE_RESOURCE_ID": SITE}) == scale_settings.NOTHING_TO_READ
    assert scale_settings.reading_without_request({**flex, "SITE_RESOURCE_ID": SITE}) is None
    refused = scale_settings.reading_without_request(flex)
    assert refused is not None
    assert "SITE_RESOURCE_ID is not set" in str(refused.problem)
