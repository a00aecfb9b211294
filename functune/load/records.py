"""
What the load runner and its Locust process tell each other: the plan goes in, one line per request comes out.

Times are epoch seconds and durations seconds, from one clock that is never set back, so that differences are exact.
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec


class LoadPlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    One trial's load in one Locust run: closed-loop users without think time, a step per number of users.

    With ``arrival_rates`` it is an open loop, a step per rate: the users, one number of them, carry the arrivals.
    """

    route: str
    """Path and query."""
    users: tuple[int, ...]
    """Strictly increasing, so that no step has to wait for users of the one before to leave."""
    arrival_rates: tuple[float, ...] = ()
    """Poisson arrivals per second."""
    seed: int = 1
    """Of the arrivals."""
    background: str | None = None
    """Path and query that ``background_users`` others call all the while; their requests are not recorded."""
    background_users: int = 0
    warm_up: float
    """Seconds cut off at the start of each step, at the least: see ``settle_limit``."""
    measure: float
    """Seconds measured per step."""
    settle_limit: float = 20.0
    """
    Seconds by which a warm-up may grow until every user has ended a request it began in the step.

    Users who all start at once form a queue in which the first waits for none and the last for all. Only what they send
    after that first round sees the queue at its steady length; without it, 64 users on one 100 ms thread (6.4 s each)
    would be measured at a latency of 3 s, and Little's law would not hold.
    """
    timeout: float = 60.0
    """Seconds without a byte, or until connected, after which a request has failed."""
    host_pid: int | None = None
    """The host's process, its workers being children of it; None when it runs on another machine."""

    @property
    def steps(self) -> int:
        """How many steps the load has."""
        return len(self.arrival_rates or self.users)

    @property
    def seconds(self) -> float:
        """How long the load runs when no step has to settle longer than its warm-up."""
        return self.steps * (self.warm_up + self.measure)

    @property
    def seconds_at_most(self) -> float:
        """How long the load can run."""
        return self.seconds + self.steps * self.settle_limit


def read_plan(text: str) -> LoadPlan:
    """The plan of its JSON text."""
    return msgspec.json.decode(text, type=LoadPlan)


class Request(msgspec.Struct, frozen=True, array_like=True, tag="request", gc=False):
    """One request that ended, and what its answer said about the worker."""

    began: float
    """When it was sent; of an arrival, when it was meant to be."""
    ended: float
    error: str | None
    """None for a 2xx answer, ``HTTP 500`` for another, otherwise the name of the exception: there was no answer."""
    handler: str | None = None
    pid: int | None = None
    thread: str | int | None = None
    in_flight: int | None = None
    elapsed_ms: float | None = None
    cpu_ms: float | None = None
    queued_ms: float | None = None
    sent: float | None = None
    """Of an arrival, when it was sent."""

    @property
    def latency(self) -> float:
        """Seconds to the last byte from the sending, or from when that was meant to be."""
        return self.ended - self.began

    @property
    def was_answered(self) -> bool:
        """Whether an HTTP answer came, of any status."""
        return self.error is None or self.error.startswith("HTTP ")


class StepEnd(msgspec.Struct, frozen=True, array_like=True, tag="step"):
    """Written after the last request that ended in a step."""

    users: int
    began: float
    """When all users of the step were there."""
    opened: float
    """When the warm-up was over."""
    closed: float
    unfinished: tuple[float, ...]
    """When the requests began that were still in flight at ``closed``."""
    generator_cpu: float
    """Cores the load generator used from opened to closed; Locust has one thread, so 1 is its limit."""
    host_cpu: float | None = None
    """Cores host and workers used; None when the host runs elsewhere, or one of them ended meanwhile."""
    other_cpu: float | None = None
    """Cores everything else on this machine used; None when the host runs here and its share is not known."""
    arrival_rate: float | None = None
    arrivals: tuple[float, ...] = ()
    """When the requests that were meant to be sent from opened to closed were meant to be."""
    lags_us: tuple[int, ...] = ()
    """How much later than asked the generator woke up, each time it looked at the clock from opened to closed."""
    generator_rss_mb: float | None = None
    worker_cpu: dict[str, float] = {}
    """Cores each process of the host used, by pid."""
    worker_rss_mb: dict[str, float] = {}
    """Memory of each process of the host at ``closed``, by pid."""


class Worker(msgspec.Struct, rename="camel", gc=False):
    """The ``worker`` object of an answer; what is missing is None."""

    pid: int | None = None
    thread: str | int | None = None
    in_flight: int | None = None
    queued_ms: float | None = None


class Answer(msgspec.Struct, rename="camel", gc=False):
    """What is read of a workload answer's body."""

    handler: str | None = None
    elapsed_ms: float | None = None
    cpu_ms: float | None = None
    worker: Worker = msgspec.field(default_factory=Worker)


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
