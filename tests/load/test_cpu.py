"""The use of the cores, from readings at the edges of a window."""

import os
import subprocess
import sys
import time

import psutil
import pytest

from functune.load import cpu
from functune.load.cpu import CpuSeconds, Shares

OPENED = CpuSeconds(at=100.0, machine=50.0, generator=1.0, host={7: 6.0, 8: 4.0})


def closed(*, machine: float, generator: float, host: float | None) -> CpuSeconds:
    """Two seconds later."""
    return CpuSeconds(
        at=102.0, machine=50 + machine, generator=1 + generator, host=None if host is None else {7: 6.0 + host, 8: 4.0}
    )


@pytest.mark.parametrize(
    ("later", "host_is_here", "expected"),
    [
        (
            closed(machine=3.5, generator=0.5, host=2.0),
            True,
            Shares(generator=0.25, host=1.0, other=0.5, host_processes={"7": 1.0, "8": 0.0}),
        ),
        (
            closed(machine=2.25, generator=0.5, host=2.0),
            True,
            Shares(generator=0.25, host=1.0, other=0.0, host_processes={"7": 1.0, "8": 0.0}),
        ),
        (closed(machine=3.5, generator=0.5, host=None), True, Shares(generator=0.25, host=None, other=None)),
        (closed(machine=3.5, generator=0.5, host=None), False, Shares(generator=0.25, host=None, other=1.5)),
        (closed(machine=0.25, generator=0.5, host=None), False, Shares(generator=0.25, host=None, other=0.0)),
    ],
    ids=["shared", "rounded below zero", "host gone", "host elsewhere", "idle here"],
)
def test_shares_tell_generator_host_and_others_apart(later: CpuSeconds, host_is_here: bool, expected: Shares) -> None:
    assert cpu.shares(OPENED, later, host_is_here=host_is_here) == expected


def test_host_seconds_count_a_child_that_ended() -> None:
    """A worker that is restarted takes its time along into its parent's."""
    me = [psutil.Process()]  # other tests may have processes that end meanwhile
    before = cpu.host_seconds(me)
    subprocess.run([sys.executable, "-c", "import time\nwhile time.process_time() < 0.15: pass"], check=True)
    after = cpu.host_seconds(me)
    assert before is not None
    assert after is not None
    assert after[os.getpid()] - before[os.getpid()] >= 0.13  # the system counts hundredths


def test_host_processes_are_the_host_and_its_workers() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        assert {process.pid for process in cpu.host_processes(os.getpid())} >= {os.getpid(), child.pid}
        watched = [psutil.Process(child.pid)]
        assert cpu.host_seconds(watched) is not None
    finally:
        child.kill()
        child.wait()
    assert cpu.host_seconds(watched) is None
    assert cpu.host_processes(child.pid) == []
    assert cpu.host_seconds([]) is None


def test_machine_seconds_grow_with_what_runs() -> None:
    before = cpu.machine_seconds()
    until = time.process_time() + 0.15
    while time.process_time() < until:
        pass
    # A core counts whole hundredths of each of its modes.
    assert cpu.machine_seconds() - before > 0.1
