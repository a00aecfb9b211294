"""
The records of a run: a Measurement per step, a Calibration of the load generator, a Failure per trial that failed.

They are the seam between measuring and analysis: the sweep appends them, one JSON line each, and never changes a line;
the analysis reads nothing else. Times are in seconds and rates per second unless the name says otherwise.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

from functune.experiments.subject import Subject
from functune.setting import Setting

SCHEMA_VERSION = 3
BUSY_GENERATOR = 0.9
"""Cores used by a load process above which it may limit the throughput itself: it has one thread."""
ACCEPTED_ERRORS = 0.01
"""Share of failed requests above which a step counts as failed: an app that refuses work is fast."""
BUSY_MACHINE = 0.25
"""Cores used by other programs above which they may have influenced a figure."""
HOST_REFUSAL = "HTTP 429 of the host"
"""The kind of failure of a request that the Functions host refused, because too many were outstanding."""

type Handler = Literal["def", "async def"]
type Phase = Literal["capacity", "arrivals", "confirm"]
"""
The purpose of a step: capacity is the closed loop, arrivals the open loop at a given load, and confirm repeats the
chosen setting and the defaults, so that the luckiest of many settings is not recommended.
"""


def causes_in_words(errors: Mapping[str, int], ends: Mapping[str, int]) -> str:
    """Failures by kind, with the workers that the server lost: ``HTTP 500: 12; workers ended by SIGKILL: 2``."""
    kinds = ", ".join(f"{kind}: {count:,}" for kind, count in sorted(errors.items(), key=lambda pair: -pair[1]))
    lost = (f"workers ended by {reason}: {count:,}" for reason, count in sorted(ends.items()))
    return "; ".join(filter(None, [kinds, *lost]))


class RequestResults(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The answers to one kind of request in a step of a mix."""

    latencies_us: list[int]
    """Of every request that succeeded, as in Measurement."""
    errors: dict[str, int] = {}
    """Failures by kind."""


class LoadProcess(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of several processes that sent the requests of a step."""

    number: int
    """Counts the load processes of a trial from 1."""
    pid: int
    is_here: bool
    """Whether it ran on the machine that measures, and so used its cores."""
    users: int
    cores: float
    """Cores it used in the window; it has one thread, so 1 is its limit."""
    clock_offset_us: float
    """Its clock less that of the machine that measures, by which its times were moved."""
    clock_bound_us: float
    """How far the offset may be off, by the shortest round trips of a message."""


class Measurement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    One step: one setting and subject at a constant number of closed-loop users, or at a constant rate of arrivals.

    The window is the step without its warm-up. All latencies are kept, so that any statistic can be computed again.
    """

    schema_version: int = SCHEMA_VERSION
    experiment: str
    """Name of the experiment, as in its file."""
    trial: int
    """Counts the trials of a run from 0, in the order they were measured."""
    repeat: int = 0
    """Counts the repeats of a step from 0. Those of one round are measured one after the other, in random order."""
    phase: Phase = "capacity"
    subject: Subject
    """The route that was called, and the background load, whose requests are not counted here."""
    handler: Handler | None
    """The kind of handler that the answers report; None when none does."""
    setting: Setting
    users: int
    """Closed-loop clients without think time; with ``arrival_rate`` the connections for the arrivals."""
    arrival_rate: float | None = None
    """Intended Poisson arrivals per second, independent of the answers; None for a closed loop."""
    share: float | None = None
    """The arrival rate as a share of the capacity, as the experiment asks for it; None for a closed loop."""
    started_at: float
    """Epoch seconds at which the window opens."""
    duration: float
    """Length of the window, seconds."""
    warm_up: float
    """Seconds cut off before the window."""
    longest_pause: float = 0.0
    """Longest time in the window in which no request ended, seconds."""
    concurrency: float
    """Time average of requests in flight over the window (N), from start and end of every request."""
    latencies_us: list[int]
    """
    Client-side latency of every request that succeeded and ended in the window, whole microseconds.

    From the moment it was sent; for arrivals from the moment it was meant to be, so that a late start counts.
    """
    error_latencies_us: list[int]
    """The same for those that failed."""
    errors: dict[str, int]
    """Failures by kind, e.g. ``{"HTTP 500": 2, "ConnectionRefusedError": 1}``."""
    worker_ends: dict[str, int] = {}
    """The workers that the server lost during the step, by reason, such as its time-out."""
    memory_kills: int = 0
    """Processes of the host that the kernel ended for the memory of its instance, by the end of the step."""
    worker_requests: dict[str, int]
    """Answers in the window by worker pid (JSON object keys are strings), on several instances as ``instance/pid``."""
    instance_requests: dict[str, int] = {}
    """Answers in the window by instance; empty where they do not name it."""
    setting_seen: bool | None = None
    """
    Whether answers of the app agreed with its setting after it was changed; False where they say nothing of it.

    None for a host that was started with the setting.
    """
    worker_peak_in_flight: dict[str, int]
    """Most calls open at once that any answer reported, by worker pid."""
    worker_threads: dict[str, int]
    """Distinct threads that ran the handler, by worker pid."""
    wait_times_us: list[int]
    """
    From where the host hands the call on to the handler's first line, one per answer that reports it.

    In a run of schema version 2 the time began when the request was sent.
    """
    service_times_us: list[int]
    """From the handler's first line to its end, one per answer that reports it."""
    cpu_times_us: list[int]
    """Thread CPU time of the handler, one per answer that reports it."""
    loop_times_us: list[int] = []
    """Time an ``async def`` handler held the event loop, one per answer that reports it."""
    hold_times_us: list[int] = []
    """Longest time an ``async def`` handler held the event loop without a break, one per answer that reports it."""
    open_calls: float | None = None
    """
    Time average of the handler calls begun and not ended in all workers (L); None for a host that does not count them.

    L / X is the service time under this load, the calls that are still open included.
    """
    send_delays_us: list[int] = []
    """Delay from the intended moment of an arrival to its sending, one per request: the load generator's backlog."""
    arrivals: int = 0
    """Requests meant to be sent in the window; 0 for a closed loop."""
    generator_lag_us: list[int] = []
    """How much later than asked the load generator woke up, several times a second."""
    generator_rss_mb: float | None = None
    worker_cpu: dict[str, float] = {}
    """Cores used by each process of the host, by pid: the front and the workers."""
    worker_core_wait: dict[str, float] = {}
    """
    Threads of each process of the host that could run and waited for a core, by pid, averaged over the window.

    Empty where the system does not count them. With ``worker_cpu`` it is the cores that the process wanted.
    """
    worker_rss_mb: dict[str, float] = {}
    """Memory of each process of the host when the window closed, by pid."""
    worker_peak_mb: dict[str, float] = {}
    """Highest memory of each process of the host since its start, by pid."""
    front_pid: int | None = None
    """The process of the host that takes the requests, so that the others are workers; None where it is not known."""
    worker_pids: tuple[str, ...] = ()
    """The worker processes of a web server, which has no front; none for a host with one."""
    throttled: float | None = None
    """
    Share of the kernel's periods in which the quota of the instance's cores did not suffice, 0 to 1.

    None for a host without a quota.
    """
    generator_cpu: float | None
    """
    Cores the load generator used in the step's nominal window: CPU seconds per second.

    All of its processes on the machine that measures; a single process has one thread, so 1 is its limit. None where
    it is not known, as in Azure Load Testing.
    """
    load_processes: tuple[LoadProcess, ...] = ()
    """The processes that sent the requests; empty where it was one."""
    host_cpu: float | None
    """Cores the host and its workers used; None when the host runs elsewhere, or one of them ended in the window."""
    other_cpu: float | None
    """
    Cores everything else used on the generator's machine, all of its cores counted, stolen time included.

    None when the host runs there too and its own share is not known.
    """
    by_request: dict[str, RequestResults] = {}
    """The answers by the name of their request; empty where all requests are the same."""

    @property
    def busiest_generator(self) -> float | None:
        """Cores that the busiest load process used: 1 is its limit. None where it is not known."""
        return max((each.cores for each in self.load_processes), default=self.generator_cpu)

    @property
    def senders(self) -> int:
        """The number of load processes."""
        return max(len(self.load_processes), 1)

    @property
    def is_generator_busy(self) -> bool:
        """Whether a load process may have limited the throughput itself."""
        return self.busiest_generator is not None and self.busiest_generator > BUSY_GENERATOR

    @property
    def throughput(self) -> float:
        """Successful requests per second (X)."""
        return len(self.latencies_us) / self.duration

    @property
    def error_ratio(self) -> float:
        """Failed share of the completed requests, 0 to 1; 0 when none completed."""
        total = len(self.latencies_us) + len(self.error_latencies_us)
        return len(self.error_latencies_us) / total if total else 0.0

    @property
    def served(self) -> bool:
        """Whether something was served, and no more of the requests failed than ACCEPTED_ERRORS."""
        return bool(self.latencies_us) and self.error_ratio <= ACCEPTED_ERRORS


class Calibration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of calibration.jsonl: the speed of the load generator against a server that does nothing."""

    at: float
    """Epoch seconds."""
    users: int
    throughput: float
    """Requests per second."""
    latency_p50_us: float
    generator_cpu: float
    """Cores it used: near 1 for each process, its own limit was reached."""
    processes: int = 1
    """The load processes that sent the requests."""


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """One line of failures.jsonl: a trial that could not be measured, or not to its end."""

    experiment: str
    trial: int
    repeat: int
    phase: Phase
    subject: Subject
    setting: Setting
    cause: str
    unfit_mb: int | None = None
    """The memory of the instance that the setting does not fit, which is a result; None for any other cause."""
