"""A stand-in for the host, in a process of its own, and one import of Locust for the loads of a file."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.load.loads import free_port
from tests.load.sharing import one_fork_server as one_fork_server

STAND_IN = Path(__file__).with_name("stand_in.py")


@pytest.fixture
def start_stand_in() -> Iterator[Callable[[int], str]]:
    """Start a stand-in with that many threads and return its base URL; it ends with the test."""
    started: list[subprocess.Popen[str]] = []

    def start(threads: int) -> str:
        words = [sys.executable, STAND_IN, str(threads), str(free_port())]
        process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        return f"http://127.0.0.1:{int(process.stdout.readline())}"

    yield start
    for process in started:
        process.kill()
        process.communicate()
