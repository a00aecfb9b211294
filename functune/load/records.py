"""
The records between the load runner and its Locust process: the plan goes in, one line per request comes out.

Times are epoch seconds and durations are seconds, from one monotonic clock, so that differences are exact.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from functune.experiments.requests import RequestTemplate, ThinkTime
from functune.run.measurement import LoadProcess
from functune.timing.header import ReportedCall

DEFAULT_BIND = ("127.0.0.1", 5557)
"""Address and port for load processes that the reader starts: Locust's own port, on this machine alone."""
SETTLE_LIMIT = 20.0
"""Seconds by which a warm-up may grow, where the plan does not say: see ``LoadPlan.settle_limit``."""


class LoadPlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    One trial's load in one Locust run: closed-loop users, a step per number of users.

    With ``arrival_rates`` it is an open loop with a step per rate, and one number of users, who send the arrivals.
    """

    route: str
    """Path and query; a label where ``requests`` or ``locustfile`` say what is sent."""
    requests: tuple[RequestTemplate, ...] = ()
    """The requests to send instead, by weight."""
    locustfile: str | None = None
    """The Locust file whose users send the requests instead."""
    folder: str = ""
    """The folder that the files of ``requests`` and ``locustfile`` are relative to."""
    think_time: ThinkTime = 0.0
    """Seconds that a closed-loop user waits after an answer."""
    secrets: tuple[str, ...] = ()
    """The environment variables that the requests name: their values are removed from messages."""
    users: tuple[int, ...]
    """Never decreasing, so that no step has to wait for users of the previous one to leave."""
    arrival_rates: tuple[float, ...] = ()
    """Poisson arrivals per second."""
    seed: int = 1
    """Seed of the random arrivals."""
    background: str | None = None
    """Path and query that ``background_users`` other users call meanwhile; their requests are not recorded."""
    background_users: int = 0
    warm_up: float
    """Least number of seconds cut off at the start of each step: see ``settle_limit``."""
    measure: float
    """Seconds measured per step."""
    settle_limit: float = SETTLE_LIMIT
    """
    Seconds by which a warm-up may grow, until every user has finished a request that it began in the step.

    Users who all start at once form a queue: the first waits for nobody, the last for everybody. Only requests after
    that first round meet the queue at its steady length. Otherwise 64 users on one 100 ms thread (6.4 s each) would be
    measured at a latency of 3 s, and Little's law would not hold.
    """
    timeout: float = 60.0
    """Seconds without a byte, or until connected, after which a request has failed."""
    host_pid: int | None = None
    """The host's process, its workers being children of it; None when it runs on another machine."""
    calls_folder: str | None = None
    """The folder with the pages in which its workers count their calls; None where the host itself reports them."""
    cpu_stat: str | None = None
    """The file with the counts of the host's quota; None for a host without a quota."""
    processes: int = 1
    """The load processes on this machine, which share the users."""
    workers: int = 0
    """The load processes that the reader starts, on other machines as a rule; they take the place of ``processes``."""
    bind: tuple[str, int] = DEFAULT_BIND
    """The address and the port that ``workers`` connect to."""

    @property
    def senders(self) -> int:
        """The number of processes that send requests."""
        return self.workers or self.processes

    @property
    def steps(self) -> int:
        """The number of steps."""
        return len(self.arrival_rates or self.users)

    @property
    def seconds(self) -> float:
        """Duration of the load when every step settles within its warm-up."""
        return self.steps * (self.warm_up + self.measure)

    @property
    def for_any_machine(self) -> "LoadPlan":
        """Without the places of files and processes on this machine."""
        return msgspec.structs.replace(self, folder="", host_pid=None, calls_folder=None, cpu_stat=None)

    @property
    def seconds_at_most(self) -> float:
        """Longest duration of the load."""
        return self.seconds + self.steps * self.settle_limit


def plan_digest(plan: LoadPlan) -> str:
    """A digest of what is sent and when, by which the master knows the load processes of its own load."""
    return hashlib.sha256(msgspec.json.encode(plan.for_any_machine)).hexdigest()


def read_plan(text: bytes | str) -> LoadPlan:
    """The plan from its JSON text."""
    return msgspec.json.decode(text, type=LoadPlan)


class Request(msgspec.Struct, frozen=True, array_like=True, tag="request", gc=False):
    """One finished request."""

    began: float
    """The moment it was sent; for an arrival, the moment it was due."""
    ended: float
    error: str | None
    """None for a success, ``HTTP 500`` for another status, the exception's name when there was no answer."""
    report: ReportedCall | None = None
    """The times of the call and the worker that ran it, from the headers of the answer; None where it has none."""
    sent: float | None = None
    """The moment an arrival was sent; None for a closed loop."""
    name: str | None = None
    """The name of the request; None where all requests of the load are the same."""

    @property
    def latency(self) -> float:
        """Seconds to the last byte, from the sending or, for an arrival, from its due time."""
        return self.ended - self.began

    @property
    def was_answered(self) -> bool:
        """Whether there was an HTTP answer, of any status."""
        return self.error is None or self.error.startswith("HTTP ")


class StepEnd(msgspec.Struct, frozen=True, array_like=True, tag="step"):
    """Written after the last request that ended in a step."""

    users: int
    began: float
    """The moment all users of the step were running."""
    opened: float
    """The end of the warm-up."""
    closed: float
    unfinished: tuple[float, ...]
    """Start times of the requests still in flight at ``closed``."""
    generator_cpu: float | None
    """Cores the load generator used from opened to closed, all of its processes on this machine; None if not known."""
    host_cpu: float | None = None
    """Cores host and workers used; None when the host runs elsewhere, or one of them ended meanwhile."""
    other_cpu: float | None = None
    """Cores used by everything else on this machine; None for a host here whose share is not known."""
    arrival_rate: float | None = None
    """Arrivals per second; None for a closed loop."""
    arrivals: tuple[float, ...] = ()
    """Due times of the arrivals that were due from ``opened`` to ``closed``."""
    lags_us: tuple[int, ...] = ()
    """How much later than asked the generator woke up, at each look at the clock from ``opened`` to ``closed``."""
    generator_rss_mb: float | None = None
    """Memory of the load process, the largest of several, MB of 10^6 bytes as all memory here."""
    worker_cpu: dict[str, float] = {}
    """Cores each process of the host used, by pid."""
    worker_rss_mb: dict[str, float] = {}
    """Memory of each process of the host at ``closed``, by pid."""
    worker_peak_mb: dict[str, float] = {}
    """Highest memory of each process of the host until ``closed``, by pid."""
    open_calls: float | None = None
    """Time average of the calls begun and not ended in the workers; None for a host that does not count them."""
    front_pid: int | None = None
    """The host's process that takes the requests; None for a host that does not report it."""
    worker_core_wait: dict[str, float] = {}
    """Threads of each process of the host that waited for a core, by pid; empty where they are not counted."""
    worker_pids: tuple[str, ...] = ()
    """The processes that count their calls in pages; none for a host that reports its calls itself."""
    throttled: float | None = None
    """Share of the periods in which the quota of the host's cores did not suffice; None for a host without a quota."""
    load_processes: tuple[LoadProcess, ...] = ()
    """The processes that sent the requests; none where it was one."""


class StepPart(msgspec.Struct, frozen=True, array_like=True):
    """The part of a step that one load process of several sent; its times are on the clock of that process."""

    requests: int
    """How many requests it has handed over for this step."""
    users: int
    """Its users, without those of the background."""
    unfinished: tuple[float, ...]
    """Start times of the requests in flight after ``closed``."""
    arrivals: tuple[float, ...]
    """Due times of the arrivals in the window."""
    lags_us: tuple[int, ...]
    """As in StepEnd."""
    cores: float
    """Cores that it used in the window."""
    rss_mb: float
    """Its memory, MB of 10^6 bytes."""


class CheckedRequest(msgspec.Struct, frozen=True, array_like=True, tag="check"):
    """One request that was sent before the load, to check that it succeeds."""

    name: str
    request: str
    """Method and route as the experiment has them, without the values of variables."""
    error: str | None
    """As in Request."""
    seconds: float
    answer: str
    """The first characters of the answer."""


class RecordReader:
    """Reads the records file while it grows."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.position = 0
        self.requests: list[Request] = []
        self.decoder = msgspec.json.Decoder(Request | StepEnd)

    def finished_steps(self) -> Iterator[tuple[StepEnd, list[Request]]]:
        """Yield each step that finished since the last call, with the requests that ended in it."""
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            file.seek(self.position)
            for line in file:
                if not line.endswith(b"\n"):  # still being written: read again next time
                    return
                self.position += len(line)
                record = self.decoder.decode(line)
                if isinstance(record, Request):
                    self.requests.append(record)
                else:
                    requests, self.requests = self.requests, []
                    yield record, requests
