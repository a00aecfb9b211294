"""The host during the window of a step: its cores, its memory and the calls in its workers. Runs inside Locust."""

from pathlib import Path
from typing import Any

from functune.load import cpu
from functune.load.core_wait import read_core_waits, threads_waiting
from functune.load.host_calls import HostCalls, open_calls, read_call_pages, read_host_calls
from functune.load.records import LoadPlan
from functune.load.throttling import read_periods, throttled_share


class HostWindow:
    """Reads the host at both ends of a window. Made before it opens, since looking for processes takes milliseconds."""

    def __init__(self, plan: LoadPlan, base_url: str) -> None:
        self.plan = plan
        self.base_url = base_url
        self.processes = cpu.host_processes(plan.host_pid)

    def open(self) -> None:
        """Read everything at the opening, the cores last."""
        self.calls_before, self.memory_before = self.calls(), cpu.process_memory_mb(self.processes)
        self.waits_before, self.periods_before = read_core_waits(self.processes), read_periods(self.plan.cpu_stat)
        self.before = cpu.read(self.processes)

    def calls(self) -> HostCalls | None:
        """
        The calls in the workers; None for a host on another machine, or one that does not count them.

        Other users run while this one waits for the answer.
        """
        if self.plan.calls_folder is not None:
            return read_call_pages(Path(self.plan.calls_folder))
        return None if self.plan.host_pid is None else read_host_calls(self.base_url)

    def close(self, calls: HostCalls | None) -> dict[str, Any]:
        """The fields of a StepEnd that describe the host and the cores; ``calls`` were read as the window closed."""
        after = cpu.read(self.processes)
        used = cpu.shares(self.before, after, host_is_here=self.plan.host_pid is not None)
        waits = threads_waiting(self.waits_before, read_core_waits(self.processes), seconds=after.at - self.before.at)
        return {
            "generator_cpu": used.generator,
            "host_cpu": used.host,
            "other_cpu": used.other,
            "worker_cpu": used.host_processes,
            "worker_rss_mb": cpu.process_memory_mb(self.processes),
            "worker_peak_mb": cpu.peak_memory_mb(self.processes, self.memory_before),
            "open_calls": open_calls(self.calls_before, calls),
            "front_pid": None if calls is None else calls.front,
            "worker_core_wait": dict(waits),
            "throttled": throttled_share(self.periods_before, read_periods(self.plan.cpu_stat)),
            "worker_pids": () if self.plan.calls_folder is None or calls is None else tuple(calls.workers),
        }
