"""The threads that wait for a core, as the system counts them."""

import hashlib
import os
import threading
import time
from pathlib import Path

import psutil
import pytest

from functune.load.core_wait import read_core_waits, threads_waiting


def test_waits_are_averaged_over_the_window_by_process() -> None:
    """A thread that began in the window counts from 0; one that ended in it does not count."""
    opened = {7: {"70": 1_000_000_000, "71": 500}, 8: {"80": 3}}
    closed = {7: {"70": 2_500_000_000, "72": 500_000_000}, 9: {"90": 10**9}}
    assert threads_waiting(opened, closed, seconds=2.0) == {"7": 1.0}


@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="the system does not count waits for a core")
def test_threads_that_hash_on_fewer_cores_wait_for_one() -> None:
    """Twice as many threads as cores: whichever of them has no core waits for one, which is half of them at least."""
    data, stop, me = bytes(4 << 20), threading.Event(), [psutil.Process(os.getpid())]
    count = 2 * len(os.sched_getaffinity(0))

    def work() -> None:
        while not stop.is_set():
            hashlib.sha256(data).digest()

    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        began, used, opened = time.perf_counter(), time.process_time(), read_core_waits(me)
        time.sleep(1)  # the window, not a wait for something
        closed, used, seconds = read_core_waits(me), time.process_time() - used, time.perf_counter() - began
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    [waits] = threads_waiting(opened, closed, seconds=seconds).values()
    # A wait is counted when it ends, so those at the edges of the window may count wholly or not at all.
    assert waits == pytest.approx(count - used / seconds, rel=0.25)
