"""
The long test that no request breaks the host: ``python -m bench.fuzz``, one minute.

Hypothesis generates valid and broken requests. Several are sent in sequence over one connection, in pieces cut at
random. The app answers every request, so a 5xx comes from the host; the host must log no traceback and lose no worker.
Prints counts. Exit codes: 0 no violation, 1 a violation, with the smallest example.
"""

import argparse
import asyncio
import re
import socket
import sys
import time
from collections import Counter
from pathlib import Path
from urllib.parse import quote

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functune.hosts.local import LOCAL_HOST
from functune.hosts.served_app import ServedApp
from functune.setting import Setting

APP = Path(__file__).parent / "apps" / "echo"
EXAMPLES = 300
"""Examples between two checks of the log and the workers."""
QUIET = 0.05
"""Seconds without an answer after which a connection is closed: the host may wait for a body that never comes."""

NAMES = st.sampled_from(["host", "expect", "connection", "upgrade", "cookie", "x-functions-key", "traceparent", "x-a"])
VALUES = st.sampled_from(["x", "", "close", "keep-alive", "100-continue", "websocket", "upgrade", "a, b", "\xff"])
TEXT = st.text(st.characters(max_codepoint=255), max_size=20)
HEADERS = st.lists(st.tuples(NAMES | TEXT, VALUES | TEXT), max_size=5)
METHODS = st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "CONNECT", "get", ""])
SEGMENTS = st.sampled_from(
    ["api", "admin", "host", "status", "..", ".", "", "%2F", "%00", "%FF", "%", "a b", "{x}", "é"]
)
PATHS = st.lists(SEGMENTS | TEXT, max_size=5).map(lambda segments: "/" + "/".join(segments))
QUERIES = st.just("") | TEXT.map(lambda text: "?" + text) | st.just("?a=1&a=&b&code=%FF+")
BODIES = st.binary(max_size=200)
LENGTHS = st.sampled_from(["right", "right", "right", "none", "chunked", "too long", "too short", "words", "twice"])


def encoded(text: str) -> str:
    """Percent-encoded, lone surrogates included."""
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


def request(
    method: str, path: str, query: str, version: str, headers: list[tuple[str, str]], body: bytes, length: str
) -> bytes:
    """One request as bytes; ``length`` says how it states the length of its body, rightly or wrongly."""
    header = {
        "right": f"content-length: {len(body)}\r\n",
        "none": "",
        "chunked": "transfer-encoding: chunked\r\n",
        "too long": f"content-length: {len(body) + 7}\r\n",
        "too short": f"content-length: {max(len(body) - 3, 0)}\r\n",
        "words": "content-length: many\r\n",
        "twice": "content-length: 1\r\ncontent-length: 2\r\n",
    }[length]
    sent = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if length == "chunked" else body
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"{method} {path}{query} {version}\r\n{lines}{header}\r\n".encode("latin-1") + sent


REQUESTS = st.builds(
    request,
    METHODS,
    PATHS,
    QUERIES,
    st.sampled_from(["HTTP/1.1"] * 5 + ["HTTP/1.0", "HTTP/9", ""]),
    HEADERS,
    BODIES,
    LENGTHS,
)
SOUND_METHODS = st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"])
SOUND_PATHS = st.lists(st.text(max_size=9).map(encoded), max_size=4).map(lambda parts: "/api/" + "/".join(parts))
SOUND_QUERIES = st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5)), max_size=3).map(
    lambda pairs: "?" + "&".join(f"{encoded(name)}={encoded(value)}" for name, value in pairs)
)
SOUND_NAMES = st.text("abcdefghijklmnopqrstuvwxyz-_", min_size=1, max_size=9).map(lambda name: "x-" + name)
SOUND_HEADERS = st.lists(st.tuples(SOUND_NAMES, st.text('abc ,;="/\xe9', max_size=12)), max_size=5)
SOUND = st.builds(
    request,
    SOUND_METHODS,
    SOUND_PATHS,
    SOUND_QUERIES,
    st.just("HTTP/1.1"),
    SOUND_HEADERS,
    BODIES,
    st.sampled_from(["right", "right", "chunked"]),
)
"""Valid requests, which the host may not refuse. Without them nearly every stream would end at its first line."""
STREAMS = st.lists(SOUND | SOUND | SOUND | REQUESTS | st.binary(max_size=50), min_size=1, max_size=4).map(b"".join)
CUTS = st.lists(st.floats(0, 1), max_size=3)


def exchange(port: int, stream: bytes, cuts: list[float]) -> list[int]:
    """Send the bytes in pieces; returns the statuses of all answers."""
    edges = sorted(int(cut * len(stream)) for cut in cuts)
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=QUIET) as connection:
        try:
            for start, end in zip([0, *edges], [*edges, len(stream)], strict=True):
                connection.sendall(stream[start:end])
            while piece := connection.recv(65536):
                received += piece
        except (TimeoutError, ConnectionError):
            pass  # the host waits for more, or has closed the connection: both are allowed
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", received)]


def fuzz(port: int, statuses: Counter[int]) -> None:
    """Run a batch of examples, counting statuses. Raises AssertionError with the smallest stream that got a 5xx."""

    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(STREAMS, CUTS)
    def every_stream_is_answered_without_5xx(stream: bytes, cuts: list[float]) -> None:
        answered = exchange(port, stream, cuts)
        statuses.update(answered)
        assert not [status for status in answered if status >= 500], f"{answered} to {stream!r}"

    every_stream_is_answered_without_5xx()


async def prove(seconds: float) -> None:
    """Fuzz for ``seconds``. Raises AssertionError on the first violation."""
    statuses: Counter[int] = Counter()
    batches = 0
    async with (
        LOCAL_HOST.running(ServedApp(APP), setting=Setting(process_count=2)) as host,
        httpx.AsyncClient(base_url=host.base_url, timeout=20) as client,
    ):
        workers = (await client.get("/admin/host/status")).json()["workers"]["pids"]
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            await asyncio.to_thread(fuzz, httpx.URL(host.base_url).port or 80, statuses)
            batches += 1
            now = (await client.get("/admin/host/status")).json()["workers"]["pids"]
            assert now == workers, f"a worker was lost: {workers} became {now}\n{host.tail(200)}"
            assert "Traceback" not in host.tail(200), host.tail(200)
        assert (await client.get("/api/sync/last")).text == "last"
    print(f"{batches * EXAMPLES} streams; answers by status: {dict(sorted(statuses.items()))}")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    try:
        asyncio.run(prove(parser.parse_args().seconds))
    except AssertionError as error:
        sys.exit(f"VIOLATION: {error}")


if __name__ == "__main__":
    main()
