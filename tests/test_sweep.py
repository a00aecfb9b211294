"""The sweep: real loads against a stand-in for the host, and once against the host itself."""

import asyncio
import json
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
import pytest

from functune import experiments, measurements
from functune.environment import Environment
from functune.errors import HostError, LoadError, UsageError, WorkerStartError
from functune.experiments import Experiment
from functune.measurements import Setting
from functune.sweep import (
    LOAD_SECONDS,
    Event,
    StepFinished,
    SweepFinished,
    SweepStarted,
    TrialFailed,
    TrialStarted,
    sweep,
)

ROOT = Path(__file__).parent.parent
STAND_IN = ROOT / "tests" / "load" / "stand_in.py"


HOST_SECONDS = 1.2


class StandInHost:
    """Started like HostProcess. A thread count of 99 is one it cannot start with."""

    name = "stand-in"
    runs_script_root = True
    key = None

    def __init__(self, *, script_root: Path, thread_count: int | None, process_count: int) -> None:
        self.threads = thread_count or 1000
        self.base_url = ""
        self.pid: int | None = None

    @staticmethod
    def seconds(process_count: int) -> float:
        return HOST_SECONDS

    async def __aenter__(self) -> Self:
        if self.threads == 99:
            raise WorkerStartError("worker 1 sent no ready message")
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, STAND_IN, str(self.threads), stdout=asyncio.subprocess.PIPE
        )
        assert self.process.stdout is not None
        self.pid = self.process.pid
        self.base_url = f"http://127.0.0.1:{int(await self.process.stdout.readline())}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.returncode is None:  # a call of /die ends it too
            self.process.kill()
        await self.process.wait()

    def tail(self) -> str:
        return "the stand-in says nothing"


def experiment(text: str, tmp_path: Path) -> Experiment:
    path = tmp_path / "asked.toml"
    path.write_text(text)
    return experiments.load(path)[0]


def asked(
    tmp_path: Path, *, routes: str = '["/sleep?ms=20"]', thread_count: str = "[2]", users: str = "[1]"
) -> Experiment:
    return experiment(
        f"""
        name = "test"
        question = "Does it work?"
        workload.routes = {routes}
        settings.thread_count = {thread_count}
        load = {{ users = {users}, warm_up = 0.2, measure = 1 }}
        """,
        tmp_path,
    )


async def run(asked: Experiment, tmp_path: Path) -> list[Event]:
    events: list[Event] = []
    await sweep(
        [asked],
        out=tmp_path / "run",
        script_root=tmp_path,
        on_progress=events.append,
        command=["/somewhere/functune", "sweep"],
        start_host=StandInHost,
    )
    return events


def children() -> set[psutil.Process]:
    """Every process below this one; other tests keep hosts and a browser running meanwhile."""
    return set(psutil.Process().children(recursive=True))


def count_loads() -> int:
    """How many load generators run."""
    count = 0
    for child in children():
        with suppress(psutil.NoSuchProcess):  # it has ended since, as a stand-in called at /die does
            count += "locust" in child.cmdline()
    return count


async def test_sweep_writes_a_run_folder(tmp_path: Path) -> None:
    wanted = asked(tmp_path, thread_count="[1, 2]", users="[1, 2]")
    events = await run(wanted, tmp_path)

    folder = tmp_path / "run"
    names = {path.name for path in folder.iterdir()}
    assert names == {"experiment.toml", "environment.json", "measurements.jsonl"}
    assert experiments.load(folder / "experiment.toml") == [wanted]
    environment = Environment(**json.loads((folder / "environment.json").read_text()))
    assert environment.command == "functune sweep"
    assert environment.host == "stand-in"

    written = measurements.load(folder)
    steps = [(m.trial, m.setting.thread_count, m.users) for m in written]
    assert steps == [(0, 1, 1), (0, 1, 2), (1, 2, 1), (1, 2, 2)]
    assert {(m.experiment, m.route, m.handler) for m in written} == {("test", "/sleep?ms=20", "def")}
    assert all(m.host_cpu is not None and m.other_cpu is not None for m in written)
    # What each setting's own host saw at once, whatever else the machine does.
    assert [list(m.worker_peak_in_flight.values()) for m in written] == [[1], [1], [1], [2]]
    assert [type(event) for event in events] == [
        SweepStarted,
        *[TrialStarted, StepFinished, StepFinished] * 2,
        SweepFinished,
    ]
    left = [event.seconds_left for event in events if isinstance(event, TrialStarted | StepFinished)]
    assert left == sorted(left, reverse=True)
    assert left[-3:] == pytest.approx([HOST_SECONDS + LOAD_SECONDS + 2 * 1.2, 1.2, 0])


async def test_sweep_goes_on_after_failed_trials(tmp_path: Path) -> None:
    """The host does not start with 99 threads, and with 2 it dies of the second route."""
    wanted = asked(tmp_path, routes='["/sleep?ms=20", "/die"]', thread_count="[99, 2]", users="[1, 2]")
    events: list[Event] = []
    loads: list[int] = []

    def follow(event: Event) -> None:
        events.append(event)
        loads.append(count_loads())

    await sweep([wanted], out=tmp_path / "run", script_root=tmp_path, on_progress=follow, start_host=StandInHost)

    failed = [event for event in events if isinstance(event, TrialFailed)]
    places = [(event.trial.number, event.trial.setting.thread_count, event.trial.route) for event in failed]
    assert places == [(0, 99, "/sleep?ms=20"), (1, 99, "/die"), (3, 2, "/die")]
    assert failed[0].cause == "worker 1 sent no ready message"
    assert "was answered" in failed[2].cause
    assert "the stand-in says nothing" in failed[2].cause
    assert loads[events.index(failed[2])] == 0  # its load was ended after the first of its two steps
    assert [m.trial for m in measurements.load(tmp_path / "run")] == [2, 2]
    assert events[-1] == SweepFinished(folder=tmp_path / "run", steps=2, failures=3)
    lines = [json.loads(line) for line in (tmp_path / "run" / "failures.jsonl").read_text().splitlines()]
    assert [(line["trial"], line["cause"]) for line in lines] == [(e.trial.number, e.cause) for e in failed]


async def test_sweep_without_a_measurement_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(HostError, match=r"no trial could be measured \(1 failed\); the first: worker 1 sent no ready"):
        await run(asked(tmp_path, thread_count="[99]"), tmp_path)
    with pytest.raises(LoadError, match="no trial could be measured"):
        await run(asked(tmp_path, routes='["/die"]'), tmp_path)


async def test_sweep_keeps_an_earlier_run(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "measurements.jsonl").write_text("as it was")
    with pytest.raises(UsageError, match="run holds a run already"):
        await run(asked(tmp_path), tmp_path)
    assert [path.name for path in folder.iterdir()] == ["measurements.jsonl"]
    assert (folder / "measurements.jsonl").read_text() == "as it was"


async def test_sweep_names_a_folder_it_cannot_write(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file")
    with pytest.raises(UsageError, match="run: File exists; --out needs a folder"):
        await run(asked(tmp_path), tmp_path)


async def test_cancelled_sweep_keeps_what_was_measured_and_ends_all(tmp_path: Path) -> None:
    """As CTRL+C does: asyncio cancels the running sweep."""
    measured = asyncio.Event()

    def follow(event: Event) -> None:
        if isinstance(event, StepFinished):
            measured.set()

    others = children()
    wanted = asked(tmp_path, users="[1, 2, 3, 4]")
    running = asyncio.create_task(
        sweep([wanted], out=tmp_path / "run", script_root=tmp_path, on_progress=follow, start_host=StandInHost)
    )
    async with asyncio.timeout(30):
        await measured.wait()
    assert len(children() - others) == 2  # the stand-in and Locust
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert children() <= others
    assert [m.users for m in measurements.load(tmp_path / "run")] == [1]


async def test_sweep_measures_the_local_host(tmp_path: Path) -> None:
    """4 threads that wait 50 ms serve 80 requests a second, with every request accounted for by one worker."""
    others = children()
    wanted = asked(tmp_path, routes='["/api/sync/sleep?ms=50"]', thread_count="[4]", users="[8]")
    await sweep([wanted], out=tmp_path / "run", script_root=ROOT, on_progress=lambda event: None)

    [measurement] = measurements.load(tmp_path / "run")
    assert measurement.setting == Setting(process_count=1, thread_count=4)
    assert 20 < measurement.throughput < 82
    assert measurement.errors == {}
    assert measurement.handler == "def"
    [worker] = measurement.worker_requests
    assert measurement.worker_requests[worker] == len(measurement.latencies_us)
    assert measurement.worker_threads == {worker: 4}
    assert measurement.worker_peak_in_flight == {worker: 4}
    assert min(measurement.service_times_us) >= 50_000
    assert measurement.concurrency == pytest.approx(8, rel=0.05)
    assert measurement.host_cpu is not None
    assert 0.01 < measurement.host_cpu < 1
    assert measurement.other_cpu is not None
    assert children() <= others
