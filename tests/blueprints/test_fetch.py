import json
from typing import Any

import pytest

from blueprints import fetch
from tests.blueprints.conftest import Call, named
from tests.blueprints.servers import Servers

SINGLE = [fetch.sync_fetch, fetch.async_fetch]
MANY = [fetch.parallel_fetch, fetch.sequential_fetch]


BAD_URLS = [
    *("", "ftp://localhost/", "http://u:p@localhost/", "http://xn--/", "http://xn--a/", "http://a..b/"),
    *("http://[::1/", "http://[]/", "http://localhost:0/", "http://localhost:65536/", "http://localhost:port/"),
    *("http://u:p@xn--/", "http://%00/", f"http://{'a' * 64}/"),
]


def body(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


@pytest.mark.parametrize("handler", SINGLE, ids=named)
async def test_fetch_answers_the_outbound_call(
    call: Call, servers: Servers, monkeypatch: pytest.MonkeyPatch, handler: Any
) -> None:
    address = await servers.start()
    monkeypatch.setenv("FETCH_ALLOWED_HOSTS", address)
    answer = await call(handler, {"url": f"http://{address}/status/500?code=k3y"})
    assert answer.status == 200
    assert answer.body["url"] == f"http://{address}/status/500?***"
    assert (answer.body["status"], answer.body["bytes"]) == (500, 8)
    assert answer.body["elapsedMs"] > 0
    assert answer.body["handler"] == ("def" if handler is fetch.sync_fetch else "async def")
    assert answer.body["worker"].keys() == {"pid", "thread", "inFlight", "peakInFlight", "queuedMs"}


@pytest.mark.parametrize("handler", SINGLE, ids=named)
async def test_fetch_without_url_takes_the_first_of_the_setting(
    call: Call, servers: Servers, monkeypatch: pytest.MonkeyPatch, handler: Any
) -> None:
    address = await servers.start()
    monkeypatch.setenv("FETCH_URLS", f"http://{address}/status/201?sig=k3y, http://{address}/status/202")
    answer = await call(handler)
    assert (answer.status, answer.body["status"]) == (200, 201)
    assert answer.body["url"] == f"http://{address}/status/201?***"


@pytest.mark.parametrize("handler", SINGLE, ids=named)
@pytest.mark.parametrize(("client", "connections"), [(None, 1), ("shared", 1), ("own", 3)])
async def test_fetch_opens_a_connection_per_call_only_with_a_client_of_its_own(
    call: Call, servers: Servers, monkeypatch: pytest.MonkeyPatch, handler: Any, client: str | None, connections: int
) -> None:
    address = await servers.start()
    monkeypatch.setenv("FETCH_URLS", f"http://{address}/status/200")
    for _ in range(3):
        answer = await call(handler, {} if client is None else {"client": client})
        assert (answer.status, answer.body["status"]) == (200, 200)
    assert (servers.calls["/status/200"], servers.connections) == (3, connections)


@pytest.mark.parametrize("handler", SINGLE, ids=named)
async def test_fetch_with_an_unknown_client_is_a_problem(
    call: Call, monkeypatch: pytest.MonkeyPatch, handler: Any
) -> None:
    monkeypatch.setenv("FETCH_URLS", "http://localhost/")
    answer = await call(handler, {"client": "mine"})
    assert (answer.status, answer.mimetype) == (400, "application/problem+json")
    assert answer.body["detail"] == "client is 'mine'; give shared or own, or omit it for the default, shared"


@pytest.mark.parametrize("handler", SINGLE, ids=named)
async def test_fetch_without_an_answer_is_a_bad_gateway(
    call: Call, refusing_address: str, monkeypatch: pytest.MonkeyPatch, handler: Any
) -> None:
    address = refusing_address
    monkeypatch.setenv("FETCH_ALLOWED_HOSTS", address)
    answer = await call(handler, {"url": f"http://{address}/?code=k3y"})
    assert (answer.status, answer.mimetype) == (502, "application/problem+json")
    assert answer.body["detail"] == f"host {address}: connection refused"


@pytest.mark.parametrize("handler", SINGLE, ids=named)
@pytest.mark.parametrize("query", [{}, *({"url": url} for url in BAD_URLS)])
async def test_fetch_of_a_bad_url_is_a_problem(call: Call, handler: Any, query: dict[str, str]) -> None:
    answer = await call(handler, query)
    assert (answer.status, answer.mimetype) == (400, "application/problem+json")
    assert answer.body["detail"].startswith("url ")


@pytest.mark.parametrize("handler", MANY, ids=named)
@pytest.mark.parametrize("url", BAD_URLS)
async def test_fetch_many_of_a_bad_url_is_a_problem(call: Call, handler: Any, url: str) -> None:
    answer = await call(handler, body=body(urls=["http://localhost/", url]))
    assert (answer.status, answer.mimetype) == (400, "application/problem+json")
    assert answer.body["detail"].startswith("urls[1] ")


@pytest.mark.parametrize("handler", SINGLE + MANY, ids=named)
@pytest.mark.parametrize("url", [url for url in BAD_URLS if url])
async def test_bad_url_in_the_setting_is_unavailable(
    call: Call, monkeypatch: pytest.MonkeyPatch, handler: Any, url: str
) -> None:
    monkeypatch.setenv("FETCH_URLS", f"http://localhost/ {url}")
    answer = await call(handler)
    assert (answer.status, answer.mimetype) == (503, "application/problem+json")
    assert answer.body["detail"].startswith("the app setting FETCH_URLS[1] ")


@pytest.mark.parametrize("handler", SINGLE, ids=named)
async def test_fetch_of_a_host_not_allowed_is_forbidden(call: Call, handler: Any) -> None:
    answer = await call(handler, {"url": "http://169.254.169.254/metadata"})
    assert (answer.status, answer.mimetype) == (403, "application/problem+json")
    assert "'169.254.169.254'" in answer.body["detail"]
    assert "FETCH_ALLOWED_HOSTS" in answer.body["detail"]


@pytest.mark.parametrize("handler", MANY, ids=named)
async def test_fetch_many_from_the_setting(
    call: Call, servers: Servers, monkeypatch: pytest.MonkeyPatch, handler: Any
) -> None:
    address = await servers.start()
    together = 3 if handler is fetch.parallel_fetch else 1
    urls = [f"http://{address}/sleep?ms=50&calls={together}&n={n}" for n in range(3)]
    monkeypatch.setenv("FETCH_URLS", ", ".join(urls))
    answer = await call(handler)
    assert answer.status == 200
    label = f"http://{address}/sleep?***"
    assert list(answer.body["results"]) == [label, f"{label} (2)", f"{label} (3)"]
    assert all(result["status"] == 200 and result["elapsedMs"] >= 50 for result in answer.body["results"].values())
    assert answer.body["sequentialMs"] == pytest.approx(
        sum(result["elapsedMs"] for result in answer.body["results"].values()), abs=0.01
    )
    assert answer.body["speedup"] == pytest.approx(answer.body["sequentialMs"] / answer.body["elapsedMs"], abs=0.01)
    if handler is fetch.parallel_fetch:
        assert servers.peak_in_flight == 3  # the speedup is near 3 on a free machine, and any on a busy one
    else:
        assert servers.peak_in_flight == 1
        assert answer.body["elapsedMs"] >= 150
        assert answer.body["speedup"] <= 1
    assert answer.body["worker"]["inFlight"] == 1


@pytest.mark.parametrize("handler", MANY, ids=named)
async def test_fetch_many_keeps_failures_apart(
    call: Call,
    servers: Servers,
    refusing_address: str,
    unknown_host: str,
    monkeypatch: pytest.MonkeyPatch,
    handler: Any,
) -> None:
    address, refusing = await servers.start(), refusing_address
    monkeypatch.setenv("FETCH_ALLOWED_HOSTS", f"{address},{refusing},{unknown_host}")
    fine, failed, refused, unknown, slow = urls = [
        f"http://{address}/status/200?code=k3y",
        f"http://{address}/status/500",
        f"http://{refusing}/",
        f"http://{unknown_host}/",
        f"http://{address}/sleep?ms=20000",
    ]
    answer = await call(handler, body=body(urls=urls, timeoutMs=4000))
    assert answer.status == 200
    results = answer.body["results"]
    assert results[fine.replace("code=k3y", "***")]["status"] == 200
    assert results[failed]["status"] == 500
    assert results[refused]["error"] == "connection refused"
    assert results[unknown]["error"] == "name not resolved"
    assert results[slow.replace("ms=20000", "***")]["error"] == "timed out after 4000 ms"
    assert all(result["elapsedMs"] > 0 for result in results.values())
    assert "k3y" not in json.dumps(answer.body)


async def test_parallel_fetch_respects_max_concurrency(
    call: Call, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = await servers.start()
    monkeypatch.setenv("FETCH_ALLOWED_HOSTS", address)
    urls = [f"http://{address}/sleep?ms=100&calls=3&n={n}" for n in range(8)]
    answer = await call(fetch.parallel_fetch, body=body(urls=urls, maxConcurrency=3))
    assert len(answer.body["results"]) == 8
    assert servers.peak_in_flight == 3


@pytest.mark.parametrize(
    ("sent", "detail"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"urls": ["http://localhost/"], "timeoutMs": ' + b"9" * 5000 + b"}", "not JSON"),
        (b"[]", "the body is []"),
        (b"null", "the body is None"),
        (b"{}", "urls is None"),
        (body(urls="http://localhost/"), "urls is 'http"),
        (body(urls=[]), "urls is empty"),
        (body(urls=[1]), "urls is [1]"),
        (body(urls=["ftp://localhost/"]), "urls[0] is 'ftp"),
        (body(urls=["http://localhost/", ""]), "urls[1] is ''"),
        (body(urls=["http://localhost/"] * 2), "urls[1] is 'http://localhost/' again"),
        (body(urls=["http://h/?code=1", "http://h/?code=1"]), "urls[1] is 'http://h/?***' again"),
        (body(urls=[f"http://localhost/{n}" for n in range(51)]), "urls has 51 urls; give 1 to 50"),
        (body(urls=["http://localhost/"], timeoutMs=0), "timeoutMs is 0; give a whole number from 1 to 30000"),
        (body(urls=["http://localhost/"], timeoutMs=30_001), "timeoutMs is 30001"),
        (body(urls=["http://localhost/"], timeoutMs="1000"), "timeoutMs is '1000'"),
        (body(urls=["http://localhost/"], timeoutMs=True), "timeoutMs is True"),
        (body(urls=["http://localhost/"], timeoutMs=float("nan")), "timeoutMs is nan"),
        (body(urls=["http://localhost/"], timeoutMs=None), "timeoutMs is None"),
        (body(urls=["http://localhost/"], maxConcurrency=0), "maxConcurrency is 0; give a whole number from 1 to 50"),
        (body(urls=["http://localhost/"], maxConcurrency=51), "maxConcurrency is 51"),
        (body(urls=["http://localhost/"], maxconcurrency=5), "the body has 'maxconcurrency'"),
    ],
)
@pytest.mark.parametrize("handler", MANY, ids=named)
async def test_fetch_many_of_a_bad_body_is_a_problem(call: Call, handler: Any, sent: bytes, detail: str) -> None:
    answer = await call(handler, body=sent)
    assert (answer.status, answer.mimetype) == (400, "application/problem+json")
    assert detail in answer.body["detail"]
    assert len(answer.body["detail"]) < 300


async def test_fetch_many_of_a_huge_body_is_a_problem(call: Call) -> None:
    answer = await call(fetch.parallel_fetch, body=b" " * 200_000)
    assert answer.status == 413


@pytest.mark.parametrize("handler", MANY, ids=named)
async def test_one_forbidden_host_refuses_all(
    call: Call, servers: Servers, monkeypatch: pytest.MonkeyPatch, handler: Any
) -> None:
    address = await servers.start()
    monkeypatch.setenv("FETCH_ALLOWED_HOSTS", address)
    answer = await call(handler, body=body(urls=[f"http://{address}/status/200", "http://localhost:1/"]))
    assert answer.status == 403
    assert "'localhost:1'" in answer.body["detail"]
    assert not servers.calls


@pytest.mark.parametrize("handler", MANY, ids=named)
@pytest.mark.parametrize(
    ("urls", "detail"),
    [
        ("", "set the app setting FETCH_URLS"),
        (" , ", "set the app setting FETCH_URLS"),
        ("localhost/a", "the app setting FETCH_URLS[0] is 'localhost/a'"),
        ("http://h/a,http://h/a", "the app setting FETCH_URLS[1] is 'http://h/a' again"),
        ("http://u:secret@h/", "the app setting FETCH_URLS[0] contains a user name or password"),
        ("http://u:secret@h:port/", "the app setting FETCH_URLS[0] is 'http://***@h:port/', which is not a url"),
        ("http://h/?sig=k3y,secret", "the app setting FETCH_URLS[1] has no scheme, and a query is before it"),
    ],
)
async def test_fetch_many_without_usable_setting_is_unavailable(
    call: Call, monkeypatch: pytest.MonkeyPatch, handler: Any, urls: str, detail: str
) -> None:
    monkeypatch.setenv("FETCH_URLS", urls)
    answer = await call(handler)
    assert (answer.status, answer.mimetype) == (503, "application/problem+json")
    assert detail in answer.body["detail"]
    assert "secret" not in answer.body["detail"]


async def test_default_allow_list_is_the_hosts_of_fetch_urls(
    call: Call, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, other = await servers.start(), await servers.start()
    monkeypatch.setenv("FETCH_URLS", f"http://{address}/status/200")
    assert (await call(fetch.async_fetch, {"url": f"http://{address}/status/204"})).status == 200
    assert (await call(fetch.async_fetch, {"url": f"http://{other}/status/204"})).status == 403
