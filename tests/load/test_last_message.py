"""The last message of a load process that ends, which has the reason."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from functune.errors import LoadError
from functune.load.load_workers import start_command
from tests.load.loads import StartStandIn, free_port, plan, run

JOURNEY = """
from locust import FastHttpUser, task

class Shopper(FastHttpUser):
    @task
    def look(self):
        raise ValueError("a mistake of the journey")
"""


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """The port that a load process of the reader asks for its load."""
    found = free_port()
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environ = os.environ | {"PATH": path, "TMPDIR": str(tmp_path)}
    process = subprocess.Popen(start_command("127.0.0.1", found), shell=True, env=environ, start_new_session=True)
    yield found
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


async def test_mistake_in_a_load_process_of_the_reader_is_shown_here(
    start_stand_in: StartStandIn, tmp_path: Path, port: int
) -> None:
    """Its own log is on the machine that sends: without the message, it would only be known to be silent."""
    (tmp_path / "journey.py").write_text(JOURNEY)
    load = msgspec.structs.replace(
        plan("journey.py"),
        locustfile="journey.py",
        folder=str(tmp_path),
        workers=1,
        bind=("127.0.0.1", port),
    )
    with pytest.raises(LoadError, match=r"(?s)load process 1 of 1 \(pid \d+\) ended:.*a mistake of the journey"):
        await run(load, start_stand_in(1))


async def test_port_that_is_taken_is_named(start_stand_in: StartStandIn) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        load = msgspec.structs.replace(plan("/sleep"), workers=1, bind=("127.0.0.1", taken))
        with pytest.raises(LoadError, match=rf"127\.0\.0\.1:{taken} is taken, .* with --load-bind"):
            await run(load, start_stand_in(1))
