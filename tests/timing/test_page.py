"""The page of totals, written by one process and read by another."""

import mmap
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from functune.timing.page import PAGE_BYTES, CallPage, read_totals

WRITER = """
import mmap, os, signal, sys, time
from functune.timing.page import PAGE_BYTES, CallPage
page = CallPage(mmap.mmap(os.open(sys.argv[1], os.O_RDWR), PAGE_BYTES))
print("ready", flush=True)
while True:
    page.begin(time.perf_counter())
    page.end(time.perf_counter(), 0.25)
"""


def test_open_calls_are_the_growth_of_the_integral() -> None:
    memory = mmap.mmap(-1, PAGE_BYTES)
    page = CallPage(memory)
    assert [page.begin(time.perf_counter()) for _ in range(3)] == [1, 2, 3]
    page.end(time.perf_counter(), 0.5)
    now = time.perf_counter()
    first, second = read_totals(memory, now), read_totals(memory, now + 10)
    assert (second.begun, second.ended, second.cpu_seconds) == (3, 1, 0.5)
    assert second.open_seconds - first.open_seconds == pytest.approx(20)


def test_totals_are_not_extended_into_the_past() -> None:
    """The worker may update the page after the reader took the time."""
    memory = mmap.mmap(-1, PAGE_BYTES)
    before = time.perf_counter()
    CallPage(memory).begin(time.perf_counter())
    assert read_totals(memory, before).open_seconds == 0


def test_threads_lose_no_call() -> None:
    memory = mmap.mmap(-1, PAGE_BYTES)
    page, start = CallPage(memory), threading.Barrier(8)

    def work() -> None:
        start.wait()
        for _ in range(2000):
            page.begin(time.perf_counter())
            page.end(time.perf_counter(), 0.001)

    with ThreadPoolExecutor(8) as pool:
        for _ in range(8):
            pool.submit(work)
    totals = read_totals(memory, time.perf_counter())
    assert (totals.begun, totals.ended) == (16_000, 16_000)
    assert totals.cpu_seconds == pytest.approx(16)


def test_reader_never_sees_half_an_update(tmp_path: Path) -> None:
    """Another process counts as fast as it can; each call has 0.25 s of CPU time, and at most one is open."""
    path = tmp_path / "page"
    path.write_bytes(bytes(PAGE_BYTES))
    with (
        path.open("r+b") as file,
        subprocess.Popen([sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE, text=True) as writer,
    ):
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        memory = mmap.mmap(file.fileno(), PAGE_BYTES)
        try:
            # On a busy machine the writer may get no core for as long as 20,000 reads take.
            seen, deadline = [read_totals(memory, time.perf_counter())], time.perf_counter() + 30
            while len(seen) < 20_000 or (seen[-1].ended == seen[0].ended and time.perf_counter() < deadline):
                seen.append(read_totals(memory, time.perf_counter()))
        finally:
            writer.kill()
    assert all(each.cpu_seconds == each.ended * 0.25 for each in seen)
    assert all(each.begun - each.ended in (0, 1) for each in seen)
    assert seen[-1].ended > seen[0].ended


def test_half_an_update_leaves_the_totals_before_it() -> None:
    """As a worker leaves them that is killed in the middle of an update."""
    memory = mmap.mmap(-1, PAGE_BYTES)
    page = CallPage(memory)
    page.begin(time.perf_counter())
    page.begin(time.perf_counter())
    assert read_totals(memory, 0.0).begun == 2
    memory[0] += 1  # the first byte of the record that was written last
    assert read_totals(memory, 0.0).begun == 1
