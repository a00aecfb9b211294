"""
A light closed-loop HTTP load generator, for figures that the cost of Locust would distort.

Locust spends more CPU on a request than the host does, so a ratio of two servers measured with it would mostly compare
Locust with itself. This generator keeps one connection per user, sends the next request when the answer is complete,
and parses with httptools. It runs in its own process and prints one JSON object:

    python -m bench.generator URL --users 32 --seconds 3
"""

import argparse
import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urlsplit

import httptools
import uvloop


@dataclass(slots=True)
class Log:
    """End and latency of every answer, in seconds of ``time.perf_counter``."""

    ends: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    failures: int = 0


class User(asyncio.Protocol):
    """One closed-loop client."""

    def __init__(self, request: bytes, log: Log, done: asyncio.Future[None]) -> None:
        self._request = request
        self._log = log
        self._done = done
        self._sent = 0.0
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        now = time.perf_counter()
        self._log.ends.append(now)
        self._log.latencies.append(now - self._sent)
        self._log.failures += self._parser.get_status_code() >= 300
        if self._done.done():
            assert self._transport is not None
            self._transport.close()
        else:
            self._parser = httptools.HttpResponseParser(self)
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(ConnectionError(f"the server closed a connection: {exc}"))

    def _send(self) -> None:
        assert self._transport is not None
        self._sent = time.perf_counter()
        self._transport.write(self._request)


async def run(url: str, *, users: int, seconds: float, warm_up: float) -> dict[str, float]:
    """Throughput (1/s), latencies (ms) and failures of ``users`` clients in the ``seconds`` after ``warm_up``."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    request = f"GET {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nAccept: */*\r\n\r\n".encode()
    loop = asyncio.get_running_loop()
    log, done = Log(), loop.create_future()
    for _ in range(users):
        await loop.create_connection(lambda: User(request, log, done), parts.hostname, parts.port)
    opened = time.perf_counter() + warm_up
    await asyncio.wait([done], timeout=warm_up + seconds)
    if done.done():
        done.result()  # a user's connection failed
    done.set_result(None)
    return _summary(log, opened, time.perf_counter())


def _summary(log: Log, opened: float, closed: float) -> dict[str, float]:
    """The summary of whole batches: where answers come with pauses, the window begins and ends at a pause."""
    first = _batch_end(log.ends, opened)
    last = _batch_end(log.ends, closed - (closed - opened) * 0.1)
    latencies = sorted(log.latencies[first + 1 : last + 1])
    if not latencies:
        raise SystemExit(
            "no answer in the measured window: the server does not answer, or is too slow for a window this short"
        )
    duration = log.ends[last] - log.ends[first]
    return {
        "throughput": len(latencies) / duration,
        "p50_ms": latencies[len(latencies) // 2] * 1000,
        "p95_ms": latencies[int(len(latencies) * 0.95)] * 1000,
        "mean_ms": sum(latencies) / len(latencies) * 1000,
        "requests": len(latencies),
        "failures": log.failures,
    }


def _batch_end(ends: list[float], after: float) -> int:
    """
    Index of the answer before the widest pause in the half second after ``after``, or up to the end near it.

    Threads that sleep equally long answer in bursts. An edge inside a burst would miscount by up to one burst.
    """
    start = next((index for index, end in enumerate(ends) if end >= after), len(ends) - 1)
    horizon = after + (ends[-1] - after if after + 1.0 > ends[-1] else 0.5)
    stop = next((index for index, end in enumerate(ends) if end >= horizon), len(ends) - 1)
    candidates = range(start, max(stop, start + 1))
    return max(candidates, key=lambda i: ends[i + 1] - ends[i] if i + 1 < len(ends) else 0.0)


def main() -> None:
    """Command line of the generator."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--users", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--warm-up", type=float, default=0.5)
    arguments = parser.parse_args()
    summary = uvloop.run(
        run(arguments.url, users=arguments.users, seconds=arguments.seconds, warm_up=arguments.warm_up)
    )
    print(json.dumps(summary))


if __name__ == "__main__":
    main()
