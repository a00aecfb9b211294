"""The outside probe against real hosts: what it counts equals what is configured, and what differs is told."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from functune.errors import LoadError, UsageError
from functune.hosts.local import LOCAL_HOST
from functune.hosts.served_app import ServedApp
from functune.probe.app import probe_app
from functune.probe.report import Configured, ProbeReport, Wave
from functune.probe.sightings import ServingWorker, Sighting
from functune.setting import Setting
from functune.terminal.probe import probe_lines
from functune.timing.header import Kind

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("thread_count", "process_count"), [(4, 1), (1, 3)])
async def test_probe_counts_what_is_configured(thread_count: int, process_count: int) -> None:
    """Several threads in each of several processes are counted in test_any_app.py."""
    async with LOCAL_HOST.running(
        ServedApp(ROOT), setting=Setting(thread_count=thread_count, process_count=process_count)
    ) as host:
        report = await probe_app(host.base_url)
    assert report.configured.thread_count == thread_count
    assert report.configured.process_count == process_count
    assert report.is_exact
    assert list(report.threads.values()) == [thread_count] * process_count
    assert report.disagreements == []


async def test_probe_says_at_least_the_largest_wave_when_threads_are_unset() -> None:
    async with LOCAL_HOST.running(ServedApp(ROOT), setting=Setting(process_count=3)) as host:
        report = await probe_app(host.base_url, largest_wave=64)
    assert report.configured.thread_count == 1000
    assert report.configured.thread_count_source == "host default"
    assert not report.is_exact
    assert report.waves[-1].size == 64
    # A thread that was marked as idle twice keeps the pool from starting another one, on a busy machine several times.
    assert sum(report.threads.values()) > 32
    assert len(report.threads) == 3
    assert report.disagreements == []
    assert "at least" in "\n".join(probe_lines(report))


def wave(
    threads: dict[int, int],
    *,
    calls: int = 16,
    kind: Kind | None = None,
    service: float | None = None,
    seconds: float = 1,
    in_turn: bool = True,
) -> Wave:
    """A wave whose calls use the threads of each worker in turn."""
    workers = [(pid, thread) for pid, count in threads.items() for thread in range(count)]
    sightings = [
        Sighting(ServingWorker("", pid), thread, "local host", kind, in_turn, service)
        for pid, thread in (workers[number % len(workers)] for number in range(calls))
    ]
    return Wave(tuple(sightings), seconds)


@pytest.mark.parametrize(
    ("threads", "is_exact", "said"),
    [
        ({1: 4}, True, ["2 worker processes configured, 1 answered"]),
        ({1: 4, 2: 3}, True, ["4 threads per worker configured, worker 2 used 3"]),
        ({1: 4, 2: 5}, False, ["4 threads per worker configured, worker 2 used 5"]),
        ({1: 4, 2: 3}, False, []),
        ({1: 4, 2: 4}, True, []),
    ],
)
def test_report_names_each_disagreement(threads: dict[int, int], is_exact: bool, said: list[str]) -> None:
    waves = (wave(threads), wave(threads, calls=32))
    report = ProbeReport(Configured(4, "app setting", 2), waves, is_stretched=is_exact)
    assert report.is_exact == is_exact
    assert report.disagreements == said


@pytest.mark.parametrize(("threads", "is_exact"), [({1: 3, 2: 2}, False), ({1: 3, 2: 3}, True)])
def test_server_that_leaves_the_worker_to_chance_has_equal_workers(threads: dict[int, int], is_exact: bool) -> None:
    """Where they used different numbers of threads, one of them got too few calls at a time."""
    waves = tuple(wave(threads, calls=size, in_turn=False) for size in (16, 32))
    assert ProbeReport(Configured(), waves, is_stretched=True).is_exact == is_exact


# Calls of a pool of 8 threads in waves of 8, 16 and 32, with 2 ms between two calls and 1 ms around each.
def waves_of(service: float, *, threads: int = 8) -> tuple[Wave, ...]:
    spacing, around = 0.002, 0.001
    return tuple(
        wave({1: min(size, threads)}, calls=size, service=service, seconds=service + around + spacing * size)
        for size in (1, 2, 4, 8, 16, 32)
    )


@pytest.mark.parametrize(("service", "is_exact"), [(0.1, True), (0.04, True), (0.02, False), (0.001, False)])
def test_count_is_exact_only_where_more_calls_could_have_met(service: float, is_exact: bool) -> None:
    """In 40 ms, 20 calls can begin, more than twice as many as 8 threads take; in 20 ms only 10."""
    report = ProbeReport(Configured(), waves_of(service))
    assert report.is_settled
    assert report.is_exact == is_exact
    assert ("at least 8" in "\n".join(probe_lines(report))) == (not is_exact)


def test_count_of_calls_of_unknown_length_is_a_lower_bound() -> None:
    report = ProbeReport(Configured(), (wave({1: 4}), wave({1: 4}, calls=32)))
    assert report.is_settled
    assert not report.is_exact
    assert "do not say how long a call takes" in "\n".join(probe_lines(report))


def test_threads_of_an_async_handler_are_not_compared() -> None:
    waves = (wave({1: 1, 2: 1}, kind="async"), wave({1: 1, 2: 1}, calls=16, kind="async"))
    report = ProbeReport(Configured(4, "app setting", 2), waves)
    assert report.disagreements == []
    assert report.is_exact
    lines = probe_lines(report)
    assert any(line.startswith("threads per worker   4 (app setting)     not used") for line in lines)
    assert not any(line.startswith("threads in total") for line in lines)


def test_count_of_a_worker_with_few_calls_is_a_lower_bound() -> None:
    """Of 32 calls, 31 went to one worker with three threads and one to the other, which may have as many."""
    few = Sighting(ServingWorker("", 2), 1, "times file", "def", service=0.1)
    seen = Wave((*wave({1: 3}, calls=31, kind="def", service=0.1).sightings, few), 1.0)
    report = ProbeReport(Configured(thread_count=3), (seen, seen), is_stretched=True)
    assert not report.is_exact
    assert report.disagreements == []


def test_worker_that_only_the_last_wave_shows_leaves_more_to_come() -> None:
    report = ProbeReport(Configured(), (wave({1: 2}), wave({1: 2, 2: 2}, calls=16)))
    assert "worker processes     unknown             at least 2" in probe_lines(report)
    assert "Neither the app nor its host reports what is configured." in probe_lines(report)


def test_workers_that_are_not_used_in_turn_are_a_lower_bound() -> None:
    seen = Wave((Sighting(ServingWorker("a", 1), 1, "times file", "async", in_turn=False),) * 16, 1.0)
    lines = probe_lines(ProbeReport(Configured(), (seen, seen)))
    assert "worker processes     unknown             at least 1" in lines
    assert lines[-1] == "The system chose the worker of each connection, so there may be workers that got none."


def test_workers_are_compared_on_each_instance() -> None:
    def on(instance: str, pid: int) -> Sighting:
        return Sighting(ServingWorker(instance, pid), 1, "times file", "async")

    seen = Wave((on("a", 1), on("b", 1), on("b", 2)) * 6, 1.0)
    report = ProbeReport(Configured(process_count=2), (seen, seen))
    assert report.disagreements == ["2 worker processes configured, 1 answered on instance a"]
    assert "instances                                2" in probe_lines(report)


@pytest.mark.parametrize(
    "url", ["", "localhost:7071", "ftp://127.0.0.1", "http://", "http://[::1", "http://a/?code=k", "http://xn--/"]
)
async def test_probe_refuses_what_is_no_url(url: str) -> None:
    with pytest.raises(UsageError, match="is not the base URL of an app"):
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


async def test_probe_says_that_nobody_listens(closed_port: int) -> None:
    with pytest.raises(LoadError, match="cannot be reached"):
        await probe_app(f"http://127.0.0.1:{closed_port}")
