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

SCHEMA_VERSION = 1
FILE_NAME = "measurements.jsonl"
BUSY_GENERATOR = 0.9
"""Cores used by the load generator above which it may be what limits the throughput: it has one thread."""
BUSY_MACHINE = 0.25
"""Cores used by other programs above which a figure may be theirs as much as the setting's."""

Handler = Literal["def", "async def"]


class Setting(msgspec.Struct, frozen=True, kw_only=True, order=True, forbid_unknown_fields=True):
    """
    One combination of concurrency settings, named as Azure names them.

    ``thread_count`` None means PYTHON_THREADPOOL_THREAD_COUNT is left unset (the host then injects 1000).
    """

    process_count: int = 1
    thread_count: int | None = None

    def __str__(self) -> str:
        threads = "unset" if self.thread_count is None else str(self.thread_count)
        return f"T={threads} P={self.process_count}"


class Measurement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    One step: one setting and route, measured at a constant number of closed-loop users.

    The window is what remains of the step after the warm-up cut. Latencies are kept whole, so that any statistic can be
    computed again from the file.
    """

    schema_version: int = SCHEMA_VERSION
    experiment: str
    """Name of the experiment, as in its file."""
    trial: int
    """Counts the trials of a run from 0, in the order they were measured."""
    route: str
    """Path and query that was called, e.g. ``/api/sync/sleep?ms=100``."""
    handler: Handler | None
    """What the answers say served them; None when no answer said so."""
    setting: Setting
    users: int
    """Closed-loop clients without think time."""
    started_at: float
    """Epoch seconds at which the window opens."""
    duration: float
    """Length of the window, seconds."""
    warm_up: float
    """Seconds cut off before the window."""
    concurrency: float
    """Time average of requests in flight over the window (N), from start and end of every request."""
    latencies_us: list[int]
    """Client-side latency of every request that succeeded (2xx) and ended in the window, whole microseconds."""
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


def append(path: Path, measurement: Measurement) -> None:
    """Append one line and force it to the disk, so that a killed sweep loses at most the running step."""
    with path.open("ab") as file:
        file.write(msgspec.json.encode(measurement) + b"\n")
        file.flush()
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
    """All measurements of a run folder, in file order. Raises RunFolderError when there are none."""
    path = folder / FILE_NAME
    try:
        with path.open("rb") as file:
            measurements = list(parse(file, source=str(path)))
    except OSError as error:
        raise RunFolderError(
            f"{path}: {error.strerror}; a run folder is what `functune sweep --out DIR` writes"
        ) from error
    if not measurements:
        raise RunFolderError(f"{path}: holds no measurement; the sweep ended before its first step")
    return measurements
