"""
Who used the cores while a step was measured: the host, the load generator, or something else.

A figure measured while another program ran is not the setting's. Runs inside the Locust process, which brings psutil.
"""

import contextlib
import time
from collections.abc import Sequence

import msgspec
import psutil

NOT_BUSY = {"idle", "iowait"}
COUNTED_ALREADY = {"guest", "guest_nice"}
"""Linux has a virtual machine's time in user and nice as well."""


class CpuSeconds(msgspec.Struct, frozen=True, kw_only=True):
    """CPU seconds used up to a moment."""

    at: float
    """Seconds, of a clock that is never set back."""
    machine: float
    """All cores of the machine. Stolen time is in it: a core the hypervisor gave away is not free either."""
    generator: float
    host: dict[int, float] | None
    """By pid; None when no host is watched, or one of its processes has gone."""


class Shares(msgspec.Struct, frozen=True, kw_only=True):
    """Cores used between two moments: CPU seconds per second."""

    generator: float
    host: float | None
    other: float | None
    """Everything on the machine but generator and host."""
    host_processes: dict[str, float] = {}
    """The host's share, by pid."""


def host_processes(pid: int | None) -> list[psutil.Process]:
    """
    The host and its workers; empty when it does not run here or has ended.

    Called before a window opens: psutil goes through every process of the machine to find children, which takes
    milliseconds, while reading those it found takes a tenth of one.
    """
    if pid is None:
        return []
    try:
        host = psutil.Process(pid)
        return [host, *host.children(recursive=True)]
    except psutil.Error:
        return []


def read(host: Sequence[psutil.Process]) -> CpuSeconds:
    """The CPU seconds used until now. The system counts those of host and machine in hundredths."""
    return CpuSeconds(
        at=time.perf_counter(), machine=machine_seconds(), generator=time.process_time(), host=host_seconds(host)
    )


def machine_seconds() -> float:
    """CPU seconds in which a core of the machine was not free."""
    times: dict[str, float] = psutil.cpu_times()._asdict()
    return sum(seconds for mode, seconds in times.items() if mode not in NOT_BUSY | COUNTED_ALREADY)


def host_seconds(processes: Sequence[psutil.Process]) -> dict[int, float] | None:
    """CPU seconds of each process, and of its children that ended; None when there are none, or one has gone."""
    try:
        return {process.pid: sum(process.cpu_times()[:4]) for process in processes} or None
    except psutil.Error:
        return None


def own_memory_mb() -> float:
    """Resident memory of this process, the load generator, in MB of 10^6 bytes."""
    rss: int = psutil.Process().memory_info().rss
    return rss / 1e6


def memory_mb(processes: Sequence[psutil.Process]) -> dict[str, float]:
    """Resident memory of each process by pid, in MB of 10^6 bytes; of those that have gone nothing."""
    found = {}
    for process in processes:
        with contextlib.suppress(psutil.Error):
            found[str(process.pid)] = process.memory_info().rss / 1e6
    return found


def shares(opened: CpuSeconds, closed: CpuSeconds, *, host_is_here: bool) -> Shares:
    """
    The cores used from ``opened`` to ``closed``.

    Of a host elsewhere nothing is known, and everything here but the generator is other. Of one that is here but could
    not be read through the window, its share and the others' cannot be told apart: both are None. The others' is never
    below 0, where rounding can put it.
    """
    seconds = closed.at - opened.at
    generator = (closed.generator - opened.generator) / seconds
    machine = (closed.machine - opened.machine) / seconds
    if not host_is_here:
        return Shares(generator=generator, host=None, other=max(machine - generator, 0.0))
    if opened.host is None or closed.host is None:
        return Shares(generator=generator, host=None, other=None)
    each = {str(pid): (used - opened.host.get(pid, 0.0)) / seconds for pid, used in closed.host.items()}
    host = sum(each.values())
    return Shares(generator=generator, host=host, other=max(machine - generator - host, 0.0), host_processes=each)
