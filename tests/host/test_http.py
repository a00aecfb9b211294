"""The host over real HTTP: what reaches a function, what comes back, and what the log says."""

import asyncio
import json
import os
import re
import uuid
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from tests.host.serving import APPS, Serving, wait_until

TIMESTAMP = r"^\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\] "


def raw(host: Serving, request: bytes, *, until: bytes = b"\r\n\r\n") -> bytes:
    """Send bytes as they are and read until ``until`` or the end of the connection."""
    received = b""
    with host.connect() as connection:
        connection.sendall(request)
        while until not in received and (chunk := connection.recv(65536)):
            received += chunk
    return received


@pytest.mark.parametrize("path", ["/api/sync/sleep", "/api/async/sleep"])
def test_functions_of_both_kinds_run_in_the_worker(host: Serving, path: str) -> None:
    answer = host.get(path)
    assert answer.status_code == 200
    assert answer.json()["pid"] in host.workers()["pids"]
    assert answer.json()["thread"].startswith("MainThread" if "async" in path else "ThreadPoolExecutor")


def test_request_reaches_the_function_as_from_the_real_host(host: Serving) -> None:
    got = host.request(
        "PUT",
        "/api/DESCRIBE/?Name=1&name=2&empty=&plus=a+b&code=c%20d",
        headers=[("X-Token", "one"), ("x-token", "two"), ("X-Empty", "")],
        content=b"12345",
    ).json()
    assert got["method"] == "PUT"
    assert got["url"] == f"{host.url}/api/DESCRIBE/?Name=1&name=2&empty=&plus=a+b&code=c%20d"
    assert got["params"] == {"Name": "1,2", "plus": "a b", "code": "c d"}
    assert (got["headers"]["x-token"], got["headers"]["x-empty"]) == ("one,two", "")
    assert got["length"] == 5


def test_call_is_a_new_span_in_the_trace_of_the_client(host: Serving) -> None:
    trace, span = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    sent = {"traceparent": f"00-{trace}-{span}-01", "tracestate": "vendor=1"}
    got = host.get("/api/traced", headers=sent).json()
    assert re.fullmatch(rf"00-{trace}-(?!{span})[0-9a-f]{{16}}-01", got["parent"])
    assert got["state"] == "vendor=1"


@pytest.mark.parametrize("sent", [None, "", "00-x-y-01", f"00-{'0' * 32}-b7ad6b7169203331-01"])
def test_call_without_a_sound_traceparent_begins_a_trace(host: Serving, sent: str | None) -> None:
    headers = {} if sent is None else {"traceparent": sent}
    parents = [host.get("/api/traced", headers=headers).json()["parent"] for _ in range(2)]
    assert all(re.fullmatch(r"00-(?!0{32})[0-9a-f]{32}-[0-9a-f]{16}-00", parent) for parent in parents)
    assert len({parent.split("-")[1] for parent in parents}) == 2


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("/api/items/7/bolt", {"id": "7", "name": "bolt"}),
        ("/api/items/7", {"id": "7"}),
        ("/api/items/-7/caf%C3%A9%20x", {"id": "-7", "name": "café x"}),
        ("/api/files/a/b%2Fc", {"path": "a/b%2Fc"}),
        ("/api/files", {}),
    ],
)
def test_route_values_reach_the_function(host: Serving, path: str, params: dict[str, str]) -> None:
    assert host.get(path).json() == params


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/items/x"),
        ("GET", "/api/items/99999999999"),
        ("GET", "/api/items/" + "9" * 5000),
        ("POST", "/api/sync/sleep"),
        ("HEAD", "/api/sync/sleep"),
        ("OPTIONS", "/api/sync/sleep"),
        ("GET", "/sync/sleep"),
        ("GET", "/api"),
        ("GET", "/api/tick"),
        ("GET", "/admin"),
        ("GET", "/admin/nothing"),
        ("POST", "/admin/host/status"),
    ],
)
def test_what_matches_nothing_is_an_empty_404(host: Serving, method: str, path: str) -> None:
    answer = host.request(method, path)
    assert (answer.status_code, answer.content) == (404, b"")


def test_body_comes_back_unchanged_at_a_few_megabytes(host: Serving) -> None:
    body = os.urandom(5 * 1024 * 1024)
    answer = host.request("POST", "/api/mirror", content=body)
    assert answer.content == body
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["transfer-encoding"] == "chunked"


@pytest.mark.parametrize("size", [3, 1024 * 1024])
def test_chunked_body_is_not_read_as_by_the_real_host(host: Serving, size: int) -> None:
    answer = host.request("POST", "/api/describe", content=iter([bytes(size)]))
    assert answer.json()["length"] == 0


def test_body_over_the_limit_is_refused_and_the_client_goes_on(host: Serving) -> None:
    with httpx.Client(base_url=host.url, trust_env=False, verify=False, timeout=60) as client:
        assert client.post("/api/mirror", content=bytes(8 * 1024 * 1024 + 1)).status_code == 413
        assert client.post("/api/mirror", content=b"fits").content == b"fits"


async def test_calls_in_flight_at_once_each_get_their_own_answer(host: Serving) -> None:
    """100 calls that wait half a second, answered in an order of their own: one after another would take 50 s."""
    limits = httpx.Limits(max_connections=100)
    async with httpx.AsyncClient(base_url=host.url, trust_env=False, verify=False, timeout=45, limits=limits) as client:

        async def call(number: int) -> bool:
            token = uuid.uuid4().hex
            answer = await client.get("/api/async/sleep", params={"ms": 500 + number % 7 * 10, "token": token})
            return bool(answer.json()["token"] == token)

        async with asyncio.timeout(45):
            assert all(await asyncio.gather(*(call(number) for number in range(100))))


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("boom/sync", "ValueError: sync boom"),
        ("boom/async", "ValueError: async boom"),
        ("boom/surrogate", r"ValueError: \\udcff in a message"),
        ("boom/cancelled", "CancelledError: the function cancelled itself"),
        ("returns/nothing", 'TypeError: unable to encode outgoing TypedData: unsupported type "http"'),
        ("generic/talkative", r"RuntimeError: function 'generic_talkative' without a \$return binding"),
    ],
)
def test_failing_function_is_an_empty_500_and_the_log_says_why(host: Serving, path: str, reason: str) -> None:
    answer = host.get(f"/api/{path}")
    assert (answer.status_code, answer.content) == (500, b"")
    assert "content-type" not in answer.headers
    host.line(TIMESTAMP + r"Executed 'Functions\.\w+' \(Failed, Id=[0-9a-f-]{36}, Duration=\d+ms\)$")
    host.line(TIMESTAMP + "Result: Failure$")
    host.line(f"{TIMESTAMP}Exception: {reason}")


def test_log_of_a_failure_holds_the_traceback_and_what_was_printed_before(host: Serving) -> None:
    host.get("/api/boom/sync")
    host.line(TIMESTAMP + "printed before the sync boom")
    host.line(r'function_app\.py", line \d+, in boom_sync')
    host.line(TIMESTAMP + r"Stack: Traceback \(most recent call last\):")
    host.line(TIMESTAMP + "ValueError: sync boom")


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"headers": {"x-a": "a\r\nx-evil: 1"}}, "Header values must not contain newline"),
        (
            {"headers": {"x-a": "a\x01"}},
            "Invalid non-ASCII or control character in header: 0x0001. The header is x-a: ",
        ),
        ({"headers": {"x a": "1"}}, "'x a' is not a header name"),
        ({"headers": {"x-a": "€"}}, "Invalid non-ASCII or control character in header: 0x20AC. The header is x-a: '€'"),
        ({"headers": {"x-a": "\ud800"}}, "not UTF-8"),
        ({"status_code": 99}, "the status code 99 is not between 200 and 599"),
    ],
)
def test_response_that_cannot_be_sent_is_a_500_and_the_log_says_why(
    host: Serving, document: dict[str, object], reason: str
) -> None:
    assert host.request("POST", "/api/respond", content=json.dumps({"body": "x", **document})).status_code == 500
    host.line(reason)
    assert host.request("POST", "/api/respond", json={"body": "x"}).text == "x"


@pytest.mark.parametrize(
    ("value", "status", "team"),
    [("Zoë".encode(), 200, "Zoë"), ("€".encode(), 200, "€"), (b"Zo\xeb", 400, None), (b"\xc3", 400, None)],
    ids=["two bytes", "three bytes", "Latin-1", "half a character"],
)
def test_request_header_is_strict_utf_8(host: Serving, value: bytes, status: int, team: str | None) -> None:
    head = b"GET /api/describe HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-team: %s\r\n\r\n" % value
    answer = raw(host, head, until=b"nothing: read to the end")
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert team is None or json.dumps({"x-team": team})[1:-1].encode() in answer


def test_request_header_that_is_not_utf_8_is_refused_when_its_head_arrives_in_pieces(host: Serving) -> None:
    with host.connect() as connection:
        connection.sendall(b"GET /api/describe HTTP/1.1\r\nhost: x\r\nx-team: Zo\xeb\r\n")
        wait_until(lambda: host.get("/admin/host/ping").is_success, "answer to a later request")
        connection.sendall(b"\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 400 ")


def test_returned_string_with_a_lone_surrogate_is_a_500(host: Serving) -> None:
    assert host.request("POST", "/api/text", content=rb"\udcff").status_code == 500
    host.line("Exception: a text of the message is not UTF-8")


def test_returned_string_is_sniffed_for_json(host: Serving) -> None:
    answer = host.request("POST", "/api/text", content=b'{"a":1}')
    assert answer.text == '{\n  "a": 1\n}'
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    answer = host.request("POST", "/api/text", content=b'{"body": "made", "status": 201, "headers": {"X-A": "1"}}')
    assert (answer.status_code, answer.text, answer.headers["x-a"]) == (201, "made", "1")


@pytest.mark.parametrize("status", [204, 304])
def test_status_without_a_body_leaves_the_body_out(host: Serving, status: int) -> None:
    request = json.dumps({"status_code": status, "body": "x"}).encode()
    head = b"POST /api/respond HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
    answer = raw(host, head % len(request) + request, until=b"nothing: read to the end")
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert answer.endswith(b"\r\n\r\n")
    assert "Exception in ASGI application" not in host.text  # nor is it the server that drops the body


def test_answer_names_no_server(host: Serving) -> None:
    assert "server" not in host.get("/api/describe").headers


def test_cookies_of_a_response_go_out_one_header_each(host: Serving) -> None:
    cookies = "a=1; Path=/; HttpOnly"
    answer = host.request("POST", "/api/respond", json={"body": "x", "headers": {"Set-Cookie": cookies}})
    assert answer.headers.get_list("set-cookie") == ["a=1; domain=; path=/; httponly"]


@pytest.mark.parametrize(
    ("cookie", "sent"),
    [
        (
            "a=1; Expires=Thu, 12 Jan 2017 13:55:08 GMT; Max-Age=60.7; SameSite=Strict; Secure",
            ["a=1; expires=Thu, 12 Jan 2017 13:55:08 GMT; max-age=60; domain=; path=; secure; samesite=strict"],
        ),
        ("a=1; SecureFalse", []),
        ("a=1; Expires=Thu, 12-Jan-2017 13:55:08 GMT", None),
        ("a=1; Max-Age=soon", None),
        ("a=1; Max-Age=inf", None),
    ],
    ids=["all of it", "not a cookie", "expires in another form", "max-age of words", "endless max-age"],
)
def test_cookie_is_read_by_the_rules_of_the_runtime(host: Serving, cookie: str, sent: list[str] | None) -> None:
    """What SimpleCookie cannot read is left out; what it reads and the runtime cannot convert is a failure."""
    answer = host.request("POST", "/api/respond", json={"body": "x", "headers": {"Set-Cookie": cookie}})
    assert answer.status_code == (500 if sent is None else 200)
    assert answer.headers.get_list("set-cookie") == (sent or [])


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [("generic/out?set=1", 201, b"created"), ("generic/out", 204, b""), ("generic/silent", 204, b"")],
)
def test_generic_trigger_answers_by_its_output_binding(host: Serving, path: str, status: int, body: bytes) -> None:
    answer = host.get(f"/api/{path}")
    assert (answer.status_code, answer.content) == (status, body)
    assert ("content-length" in answer.headers, "transfer-encoding" in answer.headers) == (False, status == 201)


def test_custom_headers_are_added_unless_the_function_set_them(host: Serving) -> None:
    assert host.get("/nowhere").headers["x-custom"] == "host"
    assert host.request("POST", "/api/respond", json={"headers": {"X-Custom": "mine"}}).headers["x-custom"] == "mine"


def test_head_of_a_function_that_takes_it_has_headers_and_no_body(host: Serving) -> None:
    answer = host.request("HEAD", "/api/describe")
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, b"", "application/json")


def test_print_and_logging_are_shown_with_a_timestamp_from_every_thread(host: Serving) -> None:
    token = uuid.uuid4().hex
    host.get(f"/api/says?token={token}")
    for said in ("printed", "logged", r"\[dropped by the real host\] threaded", r"surrogate \\udcff"):
        host.line(f"{TIMESTAMP}{said} {token}")
    assert f"debugged {token}" not in host.text


def test_verbose_log_has_each_invocation_and_its_duration(host: Serving) -> None:
    host.get("/api/sync/sleep")
    begun = host.line(r"Executing 'Functions\.sync_sleep' \(Reason='.*', Id=(\S+)\)")[1]
    host.line(rf"Executed 'Functions\.sync_sleep' \(Succeeded, Id={begun}, Duration=\d+ms\)")


def test_other_triggers_are_listed_and_said_not_to_run(host: Serving) -> None:
    host.line(r"^\ttick: timerTrigger \(not run: only HTTP triggers are\)")
    host.line("these will not run: tick")
    host.line(rf"^\tmirror: \[POST\] {host.url}/api/mirror$")
    host.line(rf"^\tdescribe: {host.url}/api/describe$")


def test_home_page_is_there_when_nothing_else_matched(host: Serving) -> None:
    answer = host.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "up and running" in answer.text


def test_status_has_the_state_and_the_workers(host: Serving) -> None:
    status = host.get("/ADMIN/host/status").json()
    assert status["state"] == "Running"
    assert status["workers"]["configured"] == status["workers"]["ready"] == len(status["workers"]["pids"]) == 1
    assert (status["workers"]["threads"], status["workers"]["threadsSource"]) == (1000, "host default")
    assert status["processUptime"] > 0


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_ping_is_empty_and_never_cached(host: Serving, method: str) -> None:
    answer = host.request(method, "/admin/host/ping")
    assert (answer.status_code, answer.content, "no-store" in answer.headers["cache-control"]) == (200, b"", True)


def test_function_list_is_there_for_tools(host: Serving) -> None:
    found = {function["name"]: function for function in host.get("/admin/functions").json()}
    assert found["items"]["invoke_url_template"] == f"{host.url}/api/items/{{id:int}}/{{name?}}"
    assert found["mirror"]["config"]["bindings"][0]["methods"] == ["POST"]
    assert found["tick"]["invoke_url_template"] is None
    assert host.get("/admin/functions/MIRROR").json() == found["mirror"]
    assert host.get("/admin/functions/nothing").status_code == 404


def test_website_hostname_has_the_port_that_is_listened_on(host: Serving) -> None:
    assert host.get("/api/environ?WEBSITE_HOSTNAME=1").json() == {
        "WEBSITE_HOSTNAME": f"localhost:{urlsplit(host.url).port}"
    }


def test_thread_count_is_injected_with_its_source(host: Serving) -> None:
    names = "PYTHON_THREADPOOL_THREAD_COUNT=1&FUNCTUNE_THREAD_COUNT_SOURCE=1&AZURE_FUNCTIONS_ENVIRONMENT=1"
    assert host.get(f"/api/environ?{names}").json() == {
        "PYTHON_THREADPOOL_THREAD_COUNT": "1000",
        "FUNCTUNE_THREAD_COUNT_SOURCE": "host default",
        "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
    }


def test_client_that_goes_away_during_its_body_or_its_call_leaves_the_host_serving(host: Serving) -> None:
    raw(host, b"POST /api/mirror HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nhalf", until=b"")
    raw(host, b"GET /api/async/sleep?ms=300 HTTP/1.1\r\nhost: x\r\n\r\n", until=b"")
    raw(host, b"GET /api/sync/sleep?ms=300 HTTP/1.1\r\nhost: x\r\n\r\n", until=b"")
    assert host.get("/api/sync/sleep").status_code == 200
    assert "Exception in ASGI application" not in host.text


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"NONSENSE\r\n\r\n",
        b"\x00\x01\x02\r\n\r\n",
        b"GET /api/describe HTTP/9.9\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET /a%00b HTTP/1.1\r\nhost: x\r\n\r\n",
        b"POST /api/mirror HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"POST /api/mirror HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
    ],
    ids=["no request", "binary", "version", "byte in path", "null in path", "negative length", "two lengths"],
)
def test_malformed_request_is_a_400_and_the_host_goes_on(host: Serving, request_bytes: bytes) -> None:
    assert raw(host, request_bytes).startswith(b"HTTP/1.1 400 ")
    assert host.get("/api/sync/sleep").status_code == 200
    assert "Exception in ASGI application" not in host.text


def test_header_of_64_kilobytes_leaves_the_host_serving(host: Serving) -> None:
    answer = raw(host, b"GET /api/describe HTTP/1.1\r\nhost: x\r\nx-large: " + b"x" * 65536 + b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 ")
    assert host.get("/api/sync/sleep").status_code == 200


@pytest.fixture(scope="module")
def asgi() -> Iterator[Serving]:
    """An ASGI app behind a catch-all route without prefix, its home page disabled."""
    with Serving(APPS / "asgi", AzureWebJobsDisableHomepage="true") as serving:
        yield serving.ready()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("GET", "/", b""), ("GET", "/a/b", b""), ("POST", "/x/", b"sent"), ("DELETE", "/x", b"")],
)
def test_asgi_app_gets_every_path(asgi: Serving, method: str, path: str, body: bytes) -> None:
    answer = asgi.request(method, path, content=body)
    assert (answer.status_code, answer.headers["content-type"]) == (202, "text/x-asgi")
    assert answer.text == f"{method} {path} {body.decode()}"


def test_wsgi_app_gets_every_path() -> None:
    with Serving(APPS / "wsgi") as host:
        answer = host.ready().request("POST", "/a/b?c=1", content=b"sent")
        assert (answer.status_code, answer.headers["content-type"]) == (202, "text/x-wsgi")
        assert answer.text == "POST /a/b c=1 sent"


def test_asgi_app_does_not_hide_the_admin_endpoints(asgi: Serving) -> None:
    assert asgi.get("/admin/host/status").json()["state"] == "Running"


def test_flags_and_switches_of_one_run() -> None:
    """Allow list, a disabled function, home page off, settings from the environment over host.json."""
    with Serving(
        APPS / "main",
        *("--functions", "DESCRIBE", "--functions", "mirror"),
        AzureWebJobs_mirror_Disabled="true",
        AzureWebJobsDisableHomepage="true",
        AzureFunctionsJobHost__extensions__http__routePrefix="v1",
        PYTHON_THREADPOOL_THREAD_COUNT="many",
    ) as serving:
        serving.ready()
        assert serving.get("/v1/describe").status_code == 200
        assert serving.request("POST", "/v1/mirror", content=b"x").status_code == 404
        assert serving.get("/v1/sync/sleep").status_code == 404
        assert (serving.get("/").status_code, serving.get("/").content) == (204, b"")
        assert [function["isDisabled"] for function in serving.get("/admin/functions").json()] == [False, True]
        serving.line(r"^\tmirror: disabled by its app setting")
        serving.line(f"{TIMESTAMP}PYTHON_THREADPOOL_THREAD_COUNT must be an integer")
        assert "Executing" not in serving.text
        assert json.loads(serving.get("/admin/host/status").text)["state"] == "Running"
