"""
The conversions of requests and answers by the .NET host, as pure functions.

Sources: GrpcMessageConversionExtensions.cs (request), HttpBinding.cs and RawScriptResult.cs (answer).
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, quote

import msgspec

from functune.host.messages import (
    BytesData,
    HttpData,
    InvocationResponse,
    JsonData,
    RpcHttpCookie,
    StringData,
)
from functune.timing.calls import CallTimes
from functune.timing.header import SERVER_TIMING, WORKER, server_timing, worker_value

type RawHeaders = Iterable[tuple[bytes, bytes]]

_TEXT = b"text/plain; charset=utf-8"
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_NOT_IN_A_VALUE = re.compile(r"[^\t\x20-\x7e]")
_SAME_SITES = {"lax", "strict", "none"}
_SERVER_TIMING, _WORKER = SERVER_TIMING.encode(), WORKER.encode()
_REPORTED = {_SERVER_TIMING, _WORKER}
FRAMING_HEADERS = {"connection", "content-length", "transfer-encoding"}
"""The front sets these itself, in lower case here; values from the app or host.json would contradict it."""


class AnswerError(Exception):
    """The result of the function is not a valid HTTP answer; the client gets 500 with an empty body."""


class HttpAnswer(msgspec.Struct, frozen=True):
    """An answer to a client."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


def request_headers(raw: RawHeaders) -> dict[str, str]:
    """
    Request headers: names in lower case, duplicates joined with a comma, empty values kept.

    The protocol has refused values that are not UTF-8.
    """
    headers: dict[str, str] = {}
    for raw_name, raw_value in raw:
        name = raw_name.decode("ascii").lower()
        value = raw_value.decode()
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return headers


def request_query(query: str) -> dict[str, str]:
    """Query parameters: keys without case, as first spelled; duplicates joined with a comma; empty values dropped."""
    if not query:
        return {}
    spelled: dict[str, str] = {}
    values: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=False, errors="replace"):
        known = spelled.setdefault(name.lower(), name)
        values[known] = f"{values[known]},{value}" if known in values else value
    return values


def http_answer(response: InvocationResponse, http_output: str | None) -> HttpAnswer:
    """
    The HTTP answer of a successful invocation.

    ``http_output`` names the HTTP output binding; without one, or when it was never set, the answer is 204. Raises
    AnswerError for a result that is not a valid answer.
    """
    data = response.return_value if http_output == "$return" else response.output_data.get(http_output or "")
    match data:
        case None:
            return HttpAnswer(204, [], b"")
        case HttpData():
            return _from_http_data(data)
        case StringData(value=text) | JsonData(value=text):
            return _from_text(text)
        case BytesData(value=octets):
            return HttpAnswer(200, [(b"content-type", b"application/octet-stream")], octets)


def with_times(answer: HttpAnswer, times: CallTimes, *, handed_on: float) -> HttpAnswer:
    """
    The answer with the headers that report the times of its call. A Server-Timing header of the app is kept.

    ``handed_on`` is the time on time.perf_counter at which the front sent the call to the worker. The clock is the same
    in both processes on Linux and macOS.
    """
    headers = answer.headers
    timing = server_timing(times, wait=max(times.began - handed_on, 0.0))
    if not _REPORTED.isdisjoint([name for name, _ in headers]):
        timing = b", ".join([*(value for name, value in headers if name == _SERVER_TIMING), timing])
        headers = [header for header in headers if header[0] not in _REPORTED]
    reported = ((_SERVER_TIMING, timing), (_WORKER, worker_value(times)))
    return HttpAnswer(answer.status, [*headers, *reported], answer.body)


def sent_headers(
    answer: HttpAnswer, method: str, custom_headers: Sequence[tuple[bytes, bytes]]
) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """
    The headers and the body to send: with the custom headers of host.json that the function has not set itself, and no
    body where HTTP allows none.
    """
    headers = answer.headers
    if custom_headers:
        present = {name for name, _ in headers}
        headers = [*headers, *(extra for extra in custom_headers if extra[0] not in present)]
    if method == "HEAD" or answer.status in {204, 304}:
        return headers, b""  # these answers have no body; the server would refuse one
    if not answer.body:
        return [*headers, (b"content-length", b"0")], b""
    return headers, answer.body


def _from_http_data(data: HttpData) -> HttpAnswer:
    return HttpAnswer(
        _status(data.status_code),
        [*_headers(data.headers), *((b"set-cookie", _ascii("set-cookie", _cookie(cookie))) for cookie in data.cookies)],
        data.body,
    )


def _from_text(text: str) -> HttpAnswer:
    """Parse a returned ``str`` as JSON first, as the host does: see ``_from_json``."""
    try:
        return _from_json(json.loads(text))
    except (ValueError, RecursionError):  # not JSON, or nested too deeply to be parsed
        return HttpAnswer(200, [(b"content-type", _TEXT)], text.encode("utf-8", errors="replace"))


def _from_json(value: object) -> HttpAnswer:
    """An object with a ``body`` is a whole answer, other objects and arrays are re-indented, scalars become text."""
    if isinstance(value, dict):
        by_name = {str(name).lower(): item for name, item in value.items()}
        if "body" in by_name:
            return _from_response_object(by_name)
    return HttpAnswer(200, [(b"content-type", _TEXT)], _json_text(value))


def _from_response_object(by_name: Mapping[str, Any]) -> HttpAnswer:
    status = by_name.get("status", by_name.get("statuscode", 200))
    headers = by_name.get("headers")
    named = {str(name): str(value) for name, value in headers.items()} if isinstance(headers, dict) else {}
    sent = _headers(named)
    if not any(name == b"content-type" for name, _ in sent):
        sent.append((b"content-type", _TEXT))
    is_integer = (isinstance(status, int) and not isinstance(status, bool)) or str(status).strip().isdecimal()
    return HttpAnswer(_status(str(status)) if is_integer else 200, sent, _json_text(by_name["body"]))


def _json_text(value: object) -> bytes:
    match value:
        case None:
            return b""
        case bool():
            return str(value).encode()
        case str():
            return value.encode("utf-8", errors="replace")
        case _:
            return json.dumps(value, indent=2, ensure_ascii=False).encode("utf-8", errors="replace")


def _status(text: str) -> int:
    try:
        status = int(text)
    except ValueError as error:
        raise AnswerError(f"the status code '{text}' is not a whole number") from error
    if not 200 <= status <= 599:
        # 1xx is not a final status, and no client knows one above 599.
        raise AnswerError(f"the status code {status} is not between 200 and 599")
    return status


def encode_header(name: str, value: str) -> tuple[bytes, bytes]:
    """A header as sent, its name in lower case. Raises AnswerError when HTTP does not allow the name or the value."""
    if not _TOKEN.match(name):
        raise AnswerError(f"'{name}' is not a header name")
    return name.lower().encode("ascii"), _ascii(name, value)


def _headers(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [encode_header(name, value) for name, value in headers.items() if name.lower() not in FRAMING_HEADERS]


def _ascii(name: str, value: str) -> bytes:
    """The value as sent. Raises AnswerError for a character that Kestrel refuses (HttpCharacters.cs)."""
    if refused := _NOT_IN_A_VALUE.search(value):
        raise AnswerError(
            f"Invalid non-ASCII or control character in header: 0x{ord(refused[0]):04X}. "
            f"The header is {name}: {value!r}; encode its value, for example with urllib.parse.quote"
        )
    return value.encode("ascii")


def _cookie(cookie: RpcHttpCookie) -> str:
    """One ``Set-Cookie`` value, with the attributes in the order of ASP.NET; domain and path even when empty."""
    parts = [f"{cookie.name}={quote(cookie.value, safe='')}"]
    if cookie.expires:
        parts.append(f"expires={cookie.expires}")
    if cookie.max_age:
        parts.append(f"max-age={cookie.max_age}")
    parts += [f"domain={cookie.domain}", f"path={cookie.path}"]
    if cookie.secure:
        parts.append("secure")
    if cookie.same_site.lower() in _SAME_SITES:
        parts.append(f"samesite={cookie.same_site.lower()}")
    if cookie.http_only:
        parts.append("httponly")
    return "; ".join(parts)
