"""Requests as a worker gets them, and answers as a client gets them."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functune.host.messages import BytesData, HttpData, InvocationResponse, JsonData, RpcHttpCookie, StringData
from functune.host.shaping import AnswerError, HttpAnswer, http_answer, request_headers, request_query

TEXT = (b"content-type", b"text/plain; charset=utf-8")


def returned(value: Any) -> HttpAnswer:
    return http_answer(InvocationResponse("id", value), "$return")


def of_text(text: str) -> HttpAnswer:
    return returned(StringData(text))


def response(status: str = "200", headers: dict[str, str] | None = None, **cookie: Any) -> HttpData:
    cookies = [RpcHttpCookie(**{**BARE_COOKIE, **cookie})] if cookie else []
    return HttpData(status, headers or {}, cookies, b"body")


BARE_COOKIE: dict[str, Any] = {
    "name": "a",
    "value": "b",
    "domain": "",
    "path": "",
    "expires": "",
    "max_age": "",
    "secure": False,
    "http_only": False,
    "same_site": "",
}


def test_request_headers_are_lower_cased_joined_and_kept_when_empty() -> None:
    raw = [(b"X-A", b"1"), (b"x-a", b"2"), (b"Empty", b""), (b"Utf8", "café".encode())]
    assert request_headers(raw) == {"x-a": "1,2", "empty": "", "utf8": "café"}


@pytest.mark.parametrize(
    ("query", "values"),
    [
        ("", {}),
        ("a=1", {"a": "1"}),
        ("a=1&a=2", {"a": "1,2"}),
        ("Name=1&name=2&NAME=3", {"Name": "1,2,3"}),
        ("a=&b&c=1", {"c": "1"}),
        ("a=&a=1", {"a": "1"}),
        ("a=x+y&b=x%2By", {"a": "x y", "b": "x+y"}),
        ("%C3%A9=%E2%82%AC", {"é": "€"}),
        ("a=%FF", {"a": "\ufffd"}),
        ("a=1=2", {"a": "1=2"}),
        ("&&a=1&", {"a": "1"}),
        ("a=1;b=2", {"a": "1;b=2"}),
        ("code=secret", {"code": "secret"}),
    ],
)
def test_request_query(query: str, values: dict[str, str]) -> None:
    assert request_query(query) == values


@given(st.text())
def test_request_query_never_raises_and_gives_text_that_a_message_can_contain(query: str) -> None:
    for name, value in request_query(query.encode("utf-8", "replace").decode("latin-1")).items():
        assert (name + value).encode() is not None


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("hello", "hello"),
        ("", ""),
        ("123", "123"),
        (" 1.50 ", "1.5"),
        ("true", "True"),
        ("false", "False"),
        ("null", ""),
        ('"quoted"', "quoted"),
        ('{"b":1,"a":[]}', '{\n  "b": 1,\n  "a": []\n}'),
        ("[1,2]", "[\n  1,\n  2\n]"),
        ('{"é":"€"}', '{\n  "é": "€"\n}'),
        ("{broken", "{broken"),
        ("9" * 5000, "9" * 5000),
        ("[" * 100_000, "[" * 100_000),
    ],
    ids=lambda text: text[:20],
)
def test_string_is_tried_as_json_first(text: str, body: str) -> None:
    assert of_text(text) == HttpAnswer(200, [TEXT], body.encode())


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"body": "hi"}, HttpAnswer(200, [TEXT], b"hi")),
        ({"BODY": "hi", "Status": 201}, HttpAnswer(201, [TEXT], b"hi")),
        ({"body": None, "statusCode": "404"}, HttpAnswer(404, [TEXT], b"")),
        ({"body": "x", "status": "teapot"}, HttpAnswer(200, [TEXT], b"x")),
        ({"body": "x", "status": True}, HttpAnswer(200, [TEXT], b"x")),
        ({"body": "x", "status": 2.5}, HttpAnswer(200, [TEXT], b"x")),
        ({"body": {"a": 1}}, HttpAnswer(200, [TEXT], b'{\n  "a": 1\n}')),
        (
            {"body": "x", "headers": {"X-A": 1, "Content-Type": "text/html"}},
            HttpAnswer(200, [(b"x-a", b"1"), (b"content-type", b"text/html")], b"x"),
        ),
        ({"body": "x", "headers": "none"}, HttpAnswer(200, [TEXT], b"x")),
    ],
)
def test_object_with_a_body_is_a_whole_response(document: dict[str, Any], expected: HttpAnswer) -> None:
    assert of_text(json.dumps(document)) == expected


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_string_has_an_answer_or_is_refused(text: str) -> None:
    with contextlib.suppress(AnswerError):
        assert 200 <= of_text(text).status <= 599


def test_http_response_goes_out_as_given() -> None:
    assert returned(response("418", {"X-A": "1", "content-type": "image/png"})) == HttpAnswer(
        418, [(b"x-a", b"1"), (b"content-type", b"image/png")], b"body"
    )


def test_framing_headers_of_the_app_are_left_out() -> None:
    headers = {"Content-Length": "999", "Transfer-Encoding": "chunked", "Connection": "close", "x-a": "1"}
    assert returned(response(headers=headers)).headers == [(b"x-a", b"1")]


@pytest.mark.parametrize("status", ["199", "100", "600", "0", "-1", "two", ""])
def test_status_that_cannot_be_sent_is_refused(status: str) -> None:
    with pytest.raises(AnswerError, match="status code"):
        returned(response(status))


@pytest.mark.parametrize(
    ("value", "code"),
    [
        *[("a\r\nx-evil: 1", "0x000D"), ("a\nb", "0x000A"), ("a\0b", "0x0000"), ("a\x01b", "0x0001")],
        *[("a\x7fb", "0x007F"), ("café", "0x00E9"), ("€", "0x20AC")],
    ],
)
def test_header_value_with_a_character_that_kestrel_refuses_is_refused(value: str, code: str) -> None:
    message = f"Invalid non-ASCII or control character in header: {code}. The header is x-a: "
    with pytest.raises(AnswerError, match=message):
        returned(response(headers={"x-a": value}))


@pytest.mark.parametrize("value", ["", "a\tb", "a b"])
def test_header_value_that_kestrel_sends_is_sent(value: str) -> None:
    assert returned(response(headers={"x-a": value})).headers == [(b"x-a", value.encode())]


@pytest.mark.parametrize("name", ["", "x a", "x:a", "x\r\n", "é", "x(a)"])
def test_invalid_header_name_is_refused(name: str) -> None:
    with pytest.raises(AnswerError, match="is not a header name"):
        returned(response(headers={name: "1"}))


@pytest.mark.parametrize(
    ("cookie", "expected"),
    [
        ({"value": "b c;é"}, "a=b%20c%3B%C3%A9; domain=; path="),
        ({"max_age": "60"}, "a=b; max-age=60; domain=; path="),
        ({"max_age": "-1"}, "a=b; max-age=-1; domain=; path="),
        ({"same_site": "sometimes"}, "a=b; domain=; path="),
        (
            {
                "expires": "Thu, 12 Jan 2017 13:55:08 GMT",
                "domain": "a.example",
                "path": "/x",
                "secure": True,
                "http_only": True,
                "same_site": "Strict",
            },
            "a=b; expires=Thu, 12 Jan 2017 13:55:08 GMT; domain=a.example; path=/x; secure; samesite=strict; httponly",
        ),
    ],
)
def test_cookie_is_written_as_by_the_host(cookie: dict[str, Any], expected: str) -> None:
    assert returned(response(**cookie)).headers == [(b"set-cookie", expected.encode())]


def test_cookie_cannot_break_out_of_its_header() -> None:
    with pytest.raises(AnswerError):
        returned(response(path="/\r\nx-evil: 1"))


def test_answer_without_an_output_is_204() -> None:
    nothing = HttpAnswer(204, [], b"")
    assert http_answer(InvocationResponse("id"), None) == nothing
    assert http_answer(InvocationResponse("id"), "$return") == nothing
    assert http_answer(InvocationResponse("id", output_data={}), "res") == nothing


def test_answer_is_taken_from_the_http_output() -> None:
    outcome = InvocationResponse("id", StringData("return"), {"res": response("201"), "msg": StringData("queue")})
    assert http_answer(outcome, "res").status == 201


def test_bytes_and_json_of_a_generic_binding() -> None:
    assert returned(BytesData(b"\xff")) == HttpAnswer(200, [(b"content-type", b"application/octet-stream")], b"\xff")
    assert returned(JsonData('{"a":1}')) == HttpAnswer(200, [TEXT], b'{\n  "a": 1\n}')
