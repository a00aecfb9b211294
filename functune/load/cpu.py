"""
The use of the cores during a step: by the host, by the load generator, and by other programs.

A figure measured while another program ran does not describe the setting alone. This module runs inside the Locust
process, which depends on psutil.
"""

import contextlib
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import psutil

NOT_BUSY = {"idle", "iowait"}
COUNTED_ALREADY = {"guest", "guest_nice"}
"""Linux counts the time of a virtual machine in user and nice as well."""


class CpuSeconds(msgspec.Struct, frozen=True, kw_only=True):
    """CPU seconds used up to a moment."""

    at: float
    """Seconds on a monotonic clock."""
    machine: float
    """All cores of the machine, stolen time included: a core that the hypervisor gave away is not free either."""
    generator: float
    host: dict[int, float] | None
    """By pid; None when no host is watched, or one of its processes has ended."""


class Shares(msgspec.Struct, frozen=True, kw_only=True):
    """Cores used between two moments: CPU seconds per second."""

    generator: float
    host: float | None
    other: float | None
    """Everything on the machine except generator and host."""
    host_processes: dict[str, float] = {}
    """The host's share, by pid."""


def host_processes(pid: int | None) -> list[psutil.Process]:
    """
    The host and its workers; empty when it does not run here or has ended.

    Called before a window opens: psutil looks at every process of the machine to find children, which takes
    milliseconds; reading the processes it found takes a tenth of one.
    """
    if pid is None:
        return []
    try:
        host = psutil.Process(pid)
        return [host, *host.children(recursive=True)]
    except psutil.Error:
        return []


def read(host: Sequence[psutil.Process]) -> CpuSeconds:
    """The CPU seconds used until now. The system counts those of host and machine in hundredths of a second."""
    return CpuSeconds(
        at=time.perf_counter(), machine=machine_seconds(), generator=time.process_time(), host=host_seconds(host)
    )


def machine_seconds() -> float:
    """CPU seconds in which a core of the machine was not free."""
    times: dict[str, float] = psutil.cpu_times()._asdict()
    return sum(seconds for mode, seconds in times.items() if mode not in NOT_BUSY | COUNTED_ALREADY)


def host_seconds(processes: Sequence[psutil.Process]) -> dict[int, float] | None:
    """CPU seconds of each process and its ended children; None without processes, or when one has ended."""
    try:
        return {process.pid: sum(process.cpu_times()[:4]) for process in processes} or None
    except psutil.Error:
        return None


def own_memory_mb() -> float:
    """Resident memory of this process, the load generator, in MB of 10^6 bytes."""
    rss: int = psutil.Process().memory_info().rss
    return rss / 1e6


def process_memory_mb(processes: Sequence[psutil.Process]) -> dict[str, float]:
    """Resident memory of each process by pid, in MB of 10^6 bytes; processes that have ended are omitted."""
    found = {}
    for process in processes:
        with contextlib.suppress(psutil.Error):
            found[str(process.pid)] = process.memory_info().rss / 1e6
    return found


def peak_memory_mb(processes: Sequence[psutil.Process], opened: Mapping[str, float]) -> dict[str, float]:
    """
    The highest resident memory of each process by pid, in MB of 10^6 bytes; processes that have ended are omitted.

    Linux keeps it since the process started (VmHWM). Elsewhere it is the higher of now and ``opened``, an earlier
    reading of ``process_memory_mb``.
    """
    found = {}
    for pid, now in process_memory_mb(processes).items():
        kept = kept_peak_mb(pid)
        found[pid] = max(now, opened.get(pid, 0.0)) if kept is None else kept
    return found


def kept_peak_mb(pid: str) -> float | None:
    """VmHWM of a process; None where the system does not keep it, or the process has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    found = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    return None if found is None else int(found[1]) * 1024 / 1e6


def shares(opened: CpuSeconds, closed: CpuSeconds, *, host_is_here: bool) -> Shares:
    """
    The cores used from ``opened`` to ``closed``.

    For a host on another machine, everything here except the generator is other. For a host here whose processes could
    not be read for the whole window, its share and the others' cannot be separated: both are None. The others' share is
    never below 0, where rounding could put it.
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
