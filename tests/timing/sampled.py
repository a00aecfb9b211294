"""A host with the sampler in its workers, under a load of plain HTTP calls."""

import http.client
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from functune.run.profile import ProfileLine
from functune.sweep.profile_lines import WorkerSamples, lines_between, read_samples
from functune.timing.sampler_switch import SamplerSwitch
from tests.host.serving import Serving, wait_until

SHOP = Path(__file__).parent / "apps" / "shop"


class SampledHost:
    """A running host and the switch of its samplers."""

    def __init__(self, serving: Serving, folder: Path, processes: int) -> None:
        self.serving = serving
        self.folder = folder
        self.switch = SamplerSwitch(folder)
        self.processes = processes

    def samples(self, path: str, *, users: int, seconds: float) -> list[WorkerSamples]:
        """The samples of all workers while users call a path."""
        with calling(self.serving.url, path, users=users):
            period = self.switch.turn_on()
            time.sleep(seconds)  # the length of the load, not a wait for something
            self.switch.turn_off()
        wait_until(lambda: len(read_samples(self.folder, period)) == self.processes, "file of each worker")
        return read_samples(self.folder, period)

    def lines(self, path: str, *, users: int, seconds: float = 0.8) -> tuple[ProfileLine, ...]:
        """The lines of the same, the one with the most time first."""
        began = time.time()
        return lines_between(self.samples(path, users=users, seconds=seconds), began, time.time())


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
def calling(url: str, path: str, *, users: int) -> Iterator[None]:
    """Users who call a path, one call after another, once each of them has got an answer."""
    address = urlsplit(url)
    stop, answered, failed = threading.Event(), threading.Barrier(users + 1, timeout=30), list[int]()

    def call() -> None:
        connection = http.client.HTTPConnection(str(address.hostname), address.port or 80, timeout=30)
        waits = True
        while not stop.is_set():
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
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
        yield
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
