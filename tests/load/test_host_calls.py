"""The average of open calls between two readings of the host's totals."""

import mmap
import subprocess
import sys
import time
from pathlib import Path

import pytest

from functune.load.host_calls import HostCalls, WorkerCalls, open_calls, read_call_pages, read_host_calls
from functune.timing.page import CALLS_SUFFIX, PAGE_BYTES, CallPage
from tests.host.serving import wait_until


def reading(at: float, **open_seconds: float) -> HostCalls:
    return HostCalls(1, at, {pid: WorkerCalls(9, 8, seconds, 0.0) for pid, seconds in open_seconds.items()})


def test_open_calls_are_summed_over_the_workers() -> None:
    assert open_calls(reading(10.0, a=5.0, b=1.0), reading(12.0, a=9.0, b=2.0)) == pytest.approx(2.5)


def test_open_calls_are_unknown_when_a_worker_was_replaced_or_nothing_was_read() -> None:
    assert open_calls(reading(10.0, a=5.0), reading(12.0, b=9.0)) is None
    assert open_calls(None, reading(12.0, a=9.0)) is None
    assert open_calls(reading(10.0), None) is None
    assert open_calls(reading(10.0), reading(12.0)) is None


def test_host_that_does_not_answer_has_no_totals() -> None:
    assert read_host_calls("http://127.0.0.1:1") is None


def test_worker_that_was_killed_has_no_open_calls(tmp_path: Path) -> None:
    """Its page keeps the calls that it was running; its parent may not have noticed its end yet."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as worker:
        path = tmp_path / f"{worker.pid}{CALLS_SUFFIX}"
        path.write_bytes(bytes(PAGE_BYTES))
        with path.open("r+b") as file, mmap.mmap(file.fileno(), PAGE_BYTES) as memory:
            CallPage(memory).begin(time.perf_counter())
        assert read_call_pages(tmp_path).workers[str(worker.pid)].begun == 1
        worker.kill()
        wait_until(lambda: not read_call_pages(tmp_path).workers, "page of a running worker less")
    assert read_call_pages(tmp_path).workers == {}
