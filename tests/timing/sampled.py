"""A host with the sampler in its workers, under a load of plain HTTP calls."""

import http.client
import itertools
import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPMessage
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from functune.run.profile import ProfileLine
from functune.sweep.profile_lines import WorkerSamples, lines_between, read_samples
from functune.timing.header import SERVER_TIMING, WORKER, parse
from functune.timing.sampler_switch import SamplerSwitch
from tests.host.serving import Serving, wait_until

LONGEST_SHARE = 0.1
"""
The share of a period by which a slice may last longer than it.

A process that gets no core for a while is sampled once afterwards, and that sample stands for all of the time.
"""
FEWEST_SAMPLES = 5
SHOP = Path(__file__).parent / "apps" / "shop"


class SampledPeriod(NamedTuple):
    """A period in which each worker was sampled. The times are seconds of time.perf_counter."""

    samples: list[WorkerSamples]
    began: float
    ended: float

    @property
    def sampled(self) -> float:
        """The seconds in which the workers were sampled, of all together. A sampler may see the end late."""
        return sum(seconds for worker in self.samples for seconds, _, _ in worker.process.values())

    def lines(self) -> tuple[ProfileLine, ...]:
        """The lines, the one with the most time first."""
        slices = sorted(itertools.chain.from_iterable(worker.process for worker in self.samples))
        edge = 0.001  # lest rounding leaves a slice out
        length = self.samples[0].slice
        return lines_between(self.samples, (slices[0] - edge) * length, (slices[-1] + 1 + edge) * length)


class SampledHost:
    """A running host and the switch of its samplers."""

    def __init__(self, serving: Serving, folder: Path, processes: int) -> None:
        self.serving = serving
        self.folder = folder
        self.switch = SamplerSwitch(folder)
        self.processes = processes

    def period(self, path: str, *, users: int, seconds: float = 0.4) -> SampledPeriod:
        """A period of this length while users call a path."""
        return self.period_and_service(path, users=users, seconds=seconds)[0]

    def period_and_service(
        self, path: str, *, users: int, seconds: float, headers: Mapping[str, str] = {}
    ) -> tuple[SampledPeriod, float]:
        """A period while users call a path, and the seconds in handlers that the answers in it report."""
        with calling(self.serving.url, path, users=users, headers=headers) as answers:
            # A longer one each time, in which a moment without a core weighs less.
            lengths = (seconds * 2**number for number in itertools.count())
            period: SampledPeriod = wait_until(
                lambda: self._period(next(lengths)), "period with samples of each worker", timeout=60
            )
        reports = [
            parse(found[WORKER], found[SERVER_TIMING])
            for answered, found in answers
            if period.began <= answered < period.ended
        ]
        service = sum(each.service or 0 for each in reports if each is not None) / 1e6
        return period, service

    def _period(self, seconds: float) -> SampledPeriod | None:
        """A period of this length; None where a sampler got no core in it, or for too long none, on a busy machine."""
        number, began = self.switch.turn_on(), time.perf_counter()
        time.sleep(seconds)  # the length of the period, not a wait for something
        self.switch.turn_off()
        ended = time.perf_counter()
        wait_until(lambda: len(read_samples(self.folder, number)) == self.processes, "file of each worker")
        samples = read_samples(self.folder, number)
        return SampledPeriod(samples, began, ended) if all(map(is_steady, samples)) else None

    def lines(self, path: str, *, users: int) -> tuple[ProfileLine, ...]:
        """The lines of a period while users call a path, the one with the most time first."""
        return self.period(path, users=users).lines()


def is_steady(samples: WorkerSamples) -> bool:
    """Whether no single sample of a worker decides what its period shows."""
    slices = samples.process.values()
    if sum(count for _, _, count in slices) < FEWEST_SAMPLES:
        return False
    sampled = sum(seconds for seconds, _, _ in slices)
    return max(seconds for seconds, _, _ in slices) - samples.slice <= LONGEST_SHARE * sampled


@contextmanager
def sampled_host(app: Path, folder: Path, *, threads: int = 16, processes: int = 1) -> Iterator[SampledHost]:
    """A host that runs the app with samplers, which are off."""
    folder.mkdir(parents=True, exist_ok=True)
    SamplerSwitch.create(folder)
    with Serving(
        app,
        FUNCTUNE_PROFILE=str(folder),
        PYTHON_THREADPOOL_THREAD_COUNT=str(threads),
        FUNCTIONS_WORKER_PROCESS_COUNT=str(processes),
    ) as serving:
        serving.ready()
        yield SampledHost(serving, folder, processes)


@contextmanager
def calling(
    url: str, path: str, *, users: int, headers: Mapping[str, str] = {}
) -> Iterator[list[tuple[float, HTTPMessage]]]:
    """
    Users who call a path, one call after another, once each of them has got an answer.

    The list grows by the end, seconds of time.perf_counter, and the headers of each answer.
    """
    address = urlsplit(url)
    stop, answered, failed = threading.Event(), threading.Barrier(users + 1, timeout=30), list[int]()
    answers: list[tuple[float, HTTPMessage]] = []

    def call() -> None:
        connection = http.client.HTTPConnection(str(address.hostname), address.port or 80, timeout=30)
        waits = True
        while not stop.is_set():
            connection.request("GET", path, headers=dict(headers))
            answer = connection.getresponse()
            answer.read()
            answers.append((time.perf_counter(), answer.headers))
            if answer.status != 200:
                failed.append(answer.status)
            if waits:
                answered.wait()
                waits = False
        connection.close()

    threads = [threading.Thread(target=call) for _ in range(users)]
    for thread in threads:
        thread.start()
    try:
        answered.wait()
        yield answers
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert failed == []


def marked_line(app: Path, name: str) -> str:
    """``file:line`` of the comment ``# here: name`` in an app."""
    found = [
        f"{path.relative_to(app).as_posix()}:{number}"
        for path in app.rglob("*.py")
        for number, text in enumerate(path.read_text().splitlines(), start=1)
        if name in text.partition("# here:")[2].split()
    ]
    assert len(found) == 1, f"{name} is marked {len(found)} times in {app}"
    return found[0]


def copied_app(source: Path, folder: Path) -> Path:
    """A copy of an app, to which packages can be added."""
    shutil.copytree(source, folder)
    return folder
