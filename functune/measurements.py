"""
Measurement and its JSON lines: the seam between measuring and thinking.

The sweep writes one line per step to ``measurements.jsonl`` and never changes a line; analysis and report read only
that file. Everything is in seconds and requests per second unless the name says otherwise.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

import msgspec

from functune.errors import RunFolderError
from functune.setting import Setting as Setting

SCHEMA_VERSION = 2
FILE_NAME = "measurements.jsonl"
CALIBRATIONS = "calibration.jsonl"
FAILURES = "failures.jsonl"
BUSY_GENERATOR = 0.9
"""Cores used by the load generator above which it may be what limits the throughput: it has one thread."""
BUSY_MACHINE = 0.25
"""Cores used by other programs above which a figure may be theirs as much as the setting's."""

Handler = Literal["def", "async def"]
Phase = Literal["capacity", "arrivals", "confirm"]
"""
What a step is for: how much is served (closed loop), how long it takes at a given load (open loop), or to measure the
chosen setting and the defaults once more, so that what is recommended is not the luckiest of many.
"""


class Measurement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    One step: one setting and route at a constant number of closed-loop users, or at a constant rate of arrivals.

    The window is what remains of the step after the warm-up cut. Latencies are kept whole, so that any statistic can be
    computed again from the file.
    """

    schema_version: int = SCHEMA_VERSION
    experiment: str
    """Name of the experiment, as in its file."""
    trial: int
    """Counts the trials of a run from 0, in the order they were measured."""
    repeat: int = 0
    """Counts the repeats of a step from 0. Those of one round are measured one after the other, in random order."""
    phase: Phase = "capacity"
    route: str
    """Path and query that was called, e.g. ``/api/sync/sleep?ms=100``."""
    background: str | None = None
    """What else was called meanwhile, by ``background_users`` users of its own; its requests are not counted here."""
    background_users: int = 0
    handler: Handler | None
    """What the answers say served them; None when no answer said so."""
    setting: Setting
    users: int
    """Closed-loop clients without think time; with ``arrival_rate`` the connections that carried the arrivals."""
    arrival_rate: float | None = None
    """Poisson arrivals intended per second, whether or not earlier ones were answered; None for a closed loop."""
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
    Client-side latency of every request that succeeded (2xx) and ended in the window, whole microseconds.

    From the moment it was sent; for arrivals from the moment it was meant to be, so that a late start counts.
    """
    error_latencies_us: list[int]
    """The same for those that failed."""
    errors: dict[str, int]
    """Failures by kind, e.g. ``{"HTTP 500": 2, "ConnectionRefusedError": 1}``."""
    worker_requests: dict[str, int]
    """Answers in the window by worker pid (JSON object keys are strings)."""
    worker_peak_in_flight: dict[str, int]
    """Highest number of invocations in flight any answer reported, by worker pid."""
    worker_threads: dict[str, int]
    """Distinct threads that answered, by worker pid."""
    service_times_us: list[int]
    """In-worker time from the handler's first line to its answer (``elapsedMs``), one per answer that says so."""
    cpu_times_us: list[int]
    """In-worker thread CPU time (``cpuMs``), one per answer that says so."""
    queued_us: list[int]
    """Send to the handler's first line (``worker.queuedMs``): transport, host and wait for a thread or the loop."""
    send_delays_us: list[int] = []
    """Of arrivals: from the intended moment to the sending, one per request; the backlog of the load generator."""
    arrivals: int = 0
    """Requests meant to be sent in the window; 0 for a closed loop."""
    generator_lag_us: list[int] = []
    """How much later than asked the load generator woke up, several times a second."""
    generator_rss_mb: float | None = None
    worker_cpu: dict[str, float] = {}
    """Cores used by each process of the host, by pid: the front and the workers."""
    worker_rss_mb: dict[str, float] = {}
    """Memory of each process of the host when the window closed, by pid."""
    generator_cpu: float
    """Cores the load generator used in the step's nominal window: CPU seconds per second, 1 is its limit."""
    host_cpu: float | None
    """Cores the host and its workers used; None when the host runs elsewhere, or one of them ended in the window."""
    other_cpu: float | None
    """
    Cores everything else used on the generator's machine, all of its cores counted, stolen time included.

    None when the host runs there too and its own share is not known.
    """

    @property
    def throughput(self) -> float:
        """Successful requests per second (X)."""
        return len(self.latencies_us) / self.duration

    @property
    def rate(self) -> float:
        """Completed requests per second, failures included."""
        return (len(self.latencies_us) + len(self.error_latencies_us)) / self.duration

    @property
    def error_ratio(self) -> float:
        """Failed share of the completed requests, 0 to 1; 0 when none completed."""
        total = len(self.latencies_us) + len(self.error_latencies_us)
        return len(self.error_latencies_us) / total if total else 0.0


class Calibration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of calibration.jsonl: what the load generator reaches against a server that does nothing."""

    at: float
    """Epoch seconds."""
    users: int
    throughput: float
    """Requests per second."""
    latency_p50_us: float
    generator_cpu: float
    """Cores it used: near 1, its own limit was reached."""


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """One line of failures.jsonl: a trial that could not be measured, or not to its end."""

    experiment: str
    trial: int
    repeat: int
    phase: Phase
    route: str
    setting: Setting
    cause: str


def step_key(measurement: Measurement) -> tuple[object, ...]:
    """What tells the steps of an experiment apart, repeats left out."""
    return (
        measurement.route,
        measurement.setting,
        measurement.background_users,
        measurement.phase == "arrivals",
        measurement.users if measurement.arrival_rate is None else measurement.arrival_rate,
    )


def append(path: Path, measurement: Measurement | Calibration | Failure) -> None:
    """Append one line and force it to the disk, so that a killed sweep loses at most the running step."""
    with path.open("ab") as file:
        file.write(msgspec.json.encode(measurement) + b"\n")
        file.flush()
        os.fsync(file.fileno())


def mend(path: Path) -> None:
    """Cut off a last line that a killed sweep left unfinished, so that the next one begins a line of its own."""
    if not path.exists():
        return
    with path.open("r+b") as file:
        whole, end, _ = file.read().rpartition(b"\n")
        file.truncate(len(whole + end))
        os.fsync(file.fileno())


def parse(lines: Iterable[bytes], *, source: str) -> Iterator[Measurement]:
    """Yield the measurement of each line. Raises RunFolderError naming ``source`` and the line that cannot be read."""
    decoder = msgspec.json.Decoder(Measurement)
    for number, line in enumerate(lines, start=1):
        try:
            measurement = decoder.decode(line)
        except msgspec.DecodeError as error:
            raise RunFolderError(f"{source}, line {number}: not a measurement: {error}") from error
        if measurement.schema_version != SCHEMA_VERSION:
            raise RunFolderError(
                f"{source}, line {number}: schema_version is {measurement.schema_version}, "
                f"this functune reads {SCHEMA_VERSION}; measure again, or use the functune that wrote it"
            )
        yield measurement


def load(folder: Path) -> list[Measurement]:
    """
    All measurements of a run folder, in file order. Raises RunFolderError when there are none.

    A last line without its end is that of a step during which the sweep was killed: it is passed over.
    """
    path = folder / FILE_NAME
    try:
        whole, _, _ = path.read_bytes().rpartition(b"\n")
        measurements = list(parse(whole.splitlines(), source=str(path)))
    except OSError as error:
        raise RunFolderError(
            f"{path}: {error.strerror}; a run folder is what `functune sweep --out DIR` writes"
        ) from error
    if not measurements:
        raise RunFolderError(f"{path}: holds no measurement; the sweep ended before its first step")
    return measurements


def load_calibrations(folder: Path) -> list[Calibration]:
    """The calibrations of a run folder, in the order they were made; none when there is no such file."""
    return load_lines(folder / CALIBRATIONS, Calibration)


def load_failures(folder: Path) -> list[Failure]:
    """What a run folder says could not be measured; none when there is no such file."""
    return load_lines(folder / FAILURES, Failure)


def load_lines[T](path: Path, kind: type[T]) -> list[T]:
    """The whole lines of a file that may be missing. Raises RunFolderError naming the file when one cannot be read."""
    if not path.exists():
        return []
    whole, _, _ = path.read_bytes().rpartition(b"\n")
    try:
        return [msgspec.json.decode(line, type=kind) for line in whole.splitlines()]
    except msgspec.DecodeError as error:
        raise RunFolderError(f"{path}: not a {kind.__name__.lower()}: {error}") from error
