"""The outside probe against real hosts: what it counts equals what is configured, and what differs is told."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from functune.errors import LoadError, UsageError
from functune.hosts.local import LOCAL_HOST
from functune.probe import Configured, ProbeReport, Wave, describe, probe_app
from functune.setting import Setting

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("process_count", [1, 3])
@pytest.mark.parametrize("thread_count", [1, 4])
async def test_probe_counts_what_is_configured(thread_count: int, process_count: int) -> None:
    async with LOCAL_HOST.running(
        ROOT, setting=Setting(thread_count=thread_count, process_count=process_count)
    ) as host:
        report = await probe_app(host.base_url)
    assert report.configured.thread_count == thread_count
    assert report.configured.process_count == process_count
    assert report.is_exact
    assert list(report.threads.values()) == [thread_count] * process_count
    assert report.disagreements == []


@pytest.mark.parametrize("process_count", [1, 3])
async def test_probe_says_at_least_the_largest_wave_when_threads_are_unset(process_count: int) -> None:
    async with LOCAL_HOST.running(ROOT, setting=Setting(process_count=process_count)) as host:
        report = await probe_app(host.base_url, largest_wave=64)
    assert report.configured.thread_count == 1000
    assert report.configured.thread_count_source == "host default"
    assert not report.is_exact
    assert report.waves[-1].size == 64
    assert sum(report.threads.values()) >= 64
    assert len(report.threads) == process_count
    assert report.disagreements == []
    assert "at least" in "\n".join(describe(report))


def report(
    *, threads: dict[int, int], is_exact: bool = True, thread_count: int = 4, process_count: int = 2
) -> ProbeReport:
    configured = Configured(thread_count, "app setting", process_count, "local")
    return ProbeReport(configured, (Wave(16, threads),), is_exact)


@pytest.mark.parametrize(
    ("threads", "is_exact", "said"),
    [
        ({1: 4}, True, ["2 worker process(es) are configured, 1 answered"]),
        ({1: 4, 2: 3}, True, ["4 thread(s) per worker are configured, worker 2 used 3"]),
        ({1: 4, 2: 5}, False, ["4 thread(s) per worker are configured, worker 2 used 5"]),
        ({1: 4, 2: 3}, False, []),
        ({1: 4, 2: 4}, True, []),
    ],
)
def test_report_names_each_disagreement(threads: dict[int, int], is_exact: bool, said: list[str]) -> None:
    assert report(threads=threads, is_exact=is_exact).disagreements == said


@pytest.mark.parametrize("url", ["", "localhost:7071", "ftp://127.0.0.1", "http://", "http://[::1"])
async def test_probe_refuses_what_is_no_url(url: str) -> None:
    with pytest.raises(UsageError, match="is not a URL"):
        await probe_app(url)


@pytest.fixture
def another_server() -> Iterator[tuple[str, type[BaseHTTPRequestHandler]]]:
    """A server that is not the showcase: answers what its handler class is told to."""

    class Handler(BaseHTTPRequestHandler):
        status = 200
        body = b"{}"

        def do_GET(self) -> None:
            self.send_response(self.status)
            self.send_header("content-length", str(len(self.body)))
            self.end_headers()
            self.wfile.write(self.body)

        def log_message(self, *_: object) -> None:
            """Keep the test output clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", Handler
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (401, b"", "answered 401: give a function key with --key"),
        (404, b"", "answered 404, not 200"),
        (200, b"<html>", "did not answer JSON"),
        (200, b"[]", "did not answer a JSON object"),
        (200, b"{}", "lacks 'threadPool'"),
    ],
)
async def test_probe_says_why_it_cannot_measure(
    another_server: tuple[str, type[BaseHTTPRequestHandler]], status: int, body: bytes, said: str
) -> None:
    url, handler = another_server
    handler.status, handler.body = status, body  # type: ignore[attr-defined]
    with pytest.raises(LoadError, match=said):
        await probe_app(url)


async def test_probe_says_that_nobody_listens(unused_tcp_port: int) -> None:
    with pytest.raises(LoadError, match="cannot be reached"):
        await probe_app(f"http://127.0.0.1:{unused_tcp_port}")
