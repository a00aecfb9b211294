"""The sweep: real loads against a stand-in for the host, and once against the host itself."""

import asyncio
import json
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from functune import experiments, measurements
from functune.environment import Environment
from functune.errors import HostError, LoadError, UsageError
from functune.experiments import Experiment
from functune.measurements import Setting
from functune.sweep import (
    Event,
    StepFinished,
    SweepFinished,
    SweepStarted,
    TrialFailed,
    TrialStarted,
    sweep,
)
from functune.trials import LOAD_SECONDS
from tests.stand_in_host import HOST_SECONDS, StandInKind

ROOT = Path(__file__).parent.parent


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


async def run(asked: Experiment, tmp_path: Path, *, resume: bool = False) -> list[Event]:
    events: list[Event] = []
    await sweep(
        [asked],
        out=tmp_path / "run",
        script_root=tmp_path,
        on_progress=events.append,
        command=["/somewhere/functune", "sweep"],
        host_kind=StandInKind(),
        resume=resume,
        calibrated=False,
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
    # Seed 1 shuffles the two settings into this order; the users of a trial only ever rise.
    steps = [(m.trial, m.setting.thread_count, m.users) for m in written]
    assert steps == [(0, 2, 1), (0, 2, 2), (1, 1, 1), (1, 1, 2)]
    assert {(m.experiment, m.route, m.handler) for m in written} == {("test", "/sleep?ms=20", "def")}
    assert all(m.host_cpu is not None and m.other_cpu is not None for m in written)
    # What each setting's own host saw at once, whatever else the machine does.
    assert [list(m.worker_peak_in_flight.values()) for m in written] == [[1], [2], [1], [1]]
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

    await sweep(
        [wanted],
        out=tmp_path / "run",
        script_root=tmp_path,
        on_progress=follow,
        host_kind=StandInKind(),
        calibrated=False,
    )

    failed = [event for event in events if isinstance(event, TrialFailed)]
    places = [(event.trial.setting.thread_count, event.trial.route) for event in failed]
    assert places == [(2, "/die"), (99, "/sleep?ms=20"), (99, "/die")]
    assert [event.cause for event in failed[1:]] == [
        "worker 1 sent no ready message",
        "the same cause as an earlier trial",
    ]
    assert "was answered" in failed[0].cause
    assert "the stand-in says nothing" in failed[0].cause
    assert loads[events.index(failed[0])] == 0  # its load was ended after the first of its two steps
    assert [m.trial for m in measurements.load(tmp_path / "run")] == [0, 0]
    assert events[-1] == SweepFinished(folder=tmp_path / "run", steps=2, failures=3)
    lines = [json.loads(line) for line in (tmp_path / "run" / "failures.jsonl").read_text().splitlines()]
    assert [(line["trial"], line["cause"]) for line in lines] == [
        (1, failed[0].cause),
        (2, failed[1].cause),
        (3, failed[1].cause),
    ]


async def test_sweep_without_a_measurement_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(HostError, match=r"no trial could be measured \(1 failed\); .*failures.jsonl has the causes"):
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
        sweep(
            [wanted],
            out=tmp_path / "run",
            script_root=tmp_path,
            on_progress=follow,
            host_kind=StandInKind(),
            calibrated=False,
        )
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


async def test_sweep_that_was_cut_short_is_resumed(tmp_path: Path) -> None:
    wanted = asked(tmp_path, thread_count="[1, 2]", users="[1, 2]")
    await run(wanted, tmp_path)
    journal = tmp_path / "run" / "measurements.jsonl"
    first, second, third, _ = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(first + second + third[:1000])

    events = await run(wanted, tmp_path, resume=True)

    assert journal.read_bytes().startswith(first + second)
    written = measurements.load(tmp_path / "run")
    assert [(m.trial, m.setting.thread_count, m.users) for m in written] == [(0, 2, 1), (0, 2, 2), (1, 1, 1), (1, 1, 2)]
    assert isinstance(events[0], SweepStarted)
    assert (events[0].measured, events[0].steps) == (2, 2)
    again = await run(wanted, tmp_path, resume=True)
    assert [type(event) for event in again] == [SweepStarted, SweepFinished]


async def test_resumed_sweep_tries_again_what_failed(tmp_path: Path) -> None:
    wanted = asked(tmp_path, thread_count="[99, 2]")
    await run(wanted, tmp_path)
    events = await run(wanted, tmp_path, resume=True)
    assert [event.trial.setting.thread_count for event in events if isinstance(event, TrialFailed)] == [99]
    assert len((tmp_path / "run" / "failures.jsonl").read_text().splitlines()) == 1


async def test_resume_needs_a_run_of_the_same_machine_and_software(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--resume needs the folder of a run"):
        await run(asked(tmp_path), tmp_path, resume=True)
    await run(asked(tmp_path), tmp_path)
    path = tmp_path / "run" / "environment.json"
    path.write_text(path.read_text().replace('"cpu_count": ', '"cpu_count": 9'))
    with pytest.raises(UsageError, match=r"cannot be resumed: cpu_count was 9\d+ and is \d+ now; measure again"):
        await run(asked(tmp_path), tmp_path, resume=True)


async def test_sweep_calibrates_the_generator_before_and_after(tmp_path: Path) -> None:
    await sweep(
        [asked(tmp_path)],
        out=tmp_path / "run",
        script_root=tmp_path,
        on_progress=lambda event: None,
        host_kind=StandInKind(),
    )
    before, after = measurements.load_calibrations(tmp_path / "run")
    [step] = measurements.load(tmp_path / "run")
    assert before.at < step.started_at < after.at
