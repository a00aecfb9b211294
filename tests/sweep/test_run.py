"""The sweep: real loads against a stand-in for the host, and once against the host itself."""

import asyncio
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from functune.analysis.numbers.figures import figures_of
from functune.errors import HostError, LoadError, RunFolderError
from functune.experiments.file import read_experiments
from functune.experiments.model import Experiment
from functune.experiments.subject import Subject
from functune.hosts.local import LOCAL_HOST
from functune.hosts.served_app import ServedApp
from functune.run.environment import collect_environment
from functune.run.folder import RunFolder
from functune.run.measurement import Measurement
from functune.setting import Setting
from functune.sweep.events import Event, StepFinished, SweepFinished, SweepStarted, TrialFailed, TrialStarted
from functune.sweep.run import measure_run
from functune.sweep.trials import LOAD_SECONDS, Grid
from tests.load.loads import load_generators, most_answers
from tests.sweep.stand_in_host import HOST_SECONDS, StandInKind

ROOT = Path(__file__).parents[2]


def experiment(text: str, tmp_path: Path) -> Experiment:
    path = tmp_path / "asked.toml"
    path.write_text(text)
    return read_experiments(path)[0]


def asked(
    tmp_path: Path,
    *,
    routes: str = '["/sleep?ms=20"]',
    thread_count: str = "[2]",
    users: str = "[1]",
    measure: str = "1",
) -> Experiment:
    return experiment(
        f"""
        name = "test"
        question = "Does it work?"
        workload.routes = {routes}
        settings.thread_count = {thread_count}
        load = {{ users = {users}, warm_up = 0.2, measure = {measure} }}
        """,
        tmp_path,
    )


def opened(tmp_path: Path, asked: Experiment, *, resume: bool = False) -> RunFolder:
    """The run folder, new or reopened."""
    here = collect_environment(
        script_root=tmp_path,
        host=StandInKind.name,
        host_kind="stand-in",
        command=["/somewhere/functune", "sweep"],
    )
    if not resume:
        return RunFolder.create(tmp_path / "run", [asked], here)
    folder = RunFolder.open_to_resume(tmp_path / "run")
    folder.reopen(here)
    return folder


async def run(
    asked: Experiment, tmp_path: Path, *, resume: bool = False, on_progress: Callable[[Event], None] = lambda _: None
) -> list[Event]:
    """A sweep over the grid on stand-ins."""
    events: list[Event] = []

    def follow(event: Event) -> None:
        events.append(event)
        on_progress(event)

    await measure_run(
        opened(tmp_path, asked, resume=resume),
        app=ServedApp(tmp_path),
        kind=StandInKind(),
        planner=Grid(),
        on_progress=follow,
        calibrated=False,
        checked=False,
    )
    return events


class Whole(NamedTuple):
    """A sweep that came to its end: its experiment, the folder around its run folder, and its events."""

    asked: Experiment
    folder: Path
    events: list[Event]

    def copy(self, folder: Path) -> Path:
        """A copy of its folder, to be changed."""
        return Path(shutil.copytree(self.folder, folder))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """Two settings and two numbers of users: four steps in two trials."""
    folder = tmp_path_factory.mktemp("whole")
    wanted = asked(folder, thread_count="[1, 2]", users="[1, 2]")
    return Whole(wanted, folder, asyncio.run(run(wanted, folder)))


def written(tmp_path: Path) -> list[Measurement]:
    return RunFolder.open(tmp_path / "run").measurements()


def children() -> set[psutil.Process]:
    """Every process below this one; other tests keep hosts and a browser running meanwhile."""
    return set(psutil.Process().children(recursive=True))


def test_sweep_writes_a_run_folder(whole: Whole) -> None:
    folder = whole.folder / "run"
    names = {path.name for path in folder.iterdir()}
    assert names == {"experiment.toml", "environment.json", "measurements.jsonl"}
    opened = RunFolder.open(folder)
    assert opened.experiments == (whole.asked,)
    assert opened.environment.command == "functune sweep"
    assert (opened.environment.host, opened.environment.host_kind) == ("stand-in", "stand-in")

    steps = opened.measurements()
    # Seed 1 shuffles the two settings into this order; the users of a trial only ever rise.
    assert [(m.trial, m.setting.thread_count, m.users) for m in steps] == [(0, 2, 1), (0, 2, 2), (1, 1, 1), (1, 1, 2)]
    assert {(m.experiment, m.subject, m.handler) for m in steps} == {("test", Subject(route="/sleep?ms=20"), "def")}
    assert all(m.host_cpu is not None and m.other_cpu is not None for m in steps)
    # The peak is what each setting's own host saw, so other programs cannot change it.
    assert [list(m.worker_peak_in_flight.values()) for m in steps] == [[1], [2], [1], [1]]
    assert [type(event) for event in whole.events] == [
        SweepStarted,
        *[TrialStarted, StepFinished, StepFinished] * 2,
        SweepFinished,
    ]
    left = [event.left.seconds for event in whole.events if isinstance(event, TrialStarted | StepFinished)]
    assert left == sorted(left, reverse=True)
    assert left[-3:] == pytest.approx([HOST_SECONDS + LOAD_SECONDS + 2 * 1.2, 1.2, 0])


async def test_sweep_goes_on_after_failed_trials(tmp_path: Path) -> None:
    """The host does not start with 99 threads, and with 2 it dies of the second route."""
    wanted = asked(tmp_path, routes='["/sleep?ms=20", "/die"]', thread_count="[99, 2]", users="[1, 2]")
    loads: list[int] = []
    events = await run(wanted, tmp_path, on_progress=lambda _: loads.append(len(load_generators())))

    failed = [event for event in events if isinstance(event, TrialFailed)]
    places = [(event.trial.setting.thread_count, event.trial.subject.route) for event in failed]
    assert places == [(2, "/die"), (99, "/sleep?ms=20"), (99, "/die")]
    assert [(event.cause, event.is_known) for event in failed[1:]] == [
        ("worker 1 sent no ready message", False),
        ("worker 1 sent no ready message", True),
    ]
    assert "was answered" in failed[0].cause
    assert "the stand-in says nothing" in failed[0].cause
    assert loads[events.index(failed[0])] == 0  # its load was ended after the first of its two steps
    assert [m.trial for m in written(tmp_path)] == [0, 0]
    assert events[-1] == SweepFinished(folder=tmp_path / "run", steps=2, failures=3, routes=())
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


async def test_cancelled_sweep_keeps_what_was_measured_and_ends_all(tmp_path: Path) -> None:
    """As CTRL+C does: asyncio cancels the running sweep."""
    own: list[int] = []

    def follow(event: Event) -> None:
        if isinstance(event, StepFinished):
            own.append(len(children() - others))
            running.cancel()  # here, so that no further step ends before

    others = children()
    wanted = asked(tmp_path, users="[1, 2, 3, 4]")
    running = asyncio.create_task(run(wanted, tmp_path, on_progress=follow))
    with pytest.raises(asyncio.CancelledError):
        await running
    assert own == [3]  # the stand-in, and Locust with its fork server
    assert children() <= others
    assert [m.users for m in written(tmp_path)] == [1]


async def test_sweep_measures_the_local_host(tmp_path: Path) -> None:
    """
    4 threads that wait 250 ms serve 16 requests a second, with every request accounted for by one worker.

    What a busy machine adds to each of them is a small part of it.
    """
    others = children()
    wanted = asked(tmp_path, routes='["/api/sync/sleep?ms=250"]', thread_count="[4]", users="[8]", measure="1.5")
    await measure_run(
        opened(tmp_path, wanted),
        app=ServedApp(ROOT),
        kind=LOCAL_HOST,
        planner=Grid(),
        on_progress=lambda event: None,
        calibrated=False,
        checked=False,
    )

    [measurement] = written(tmp_path)
    assert measurement.setting == Setting(process_count=1, thread_count=4)
    assert measurement.errors == {}
    assert measurement.throughput > 4
    assert len(measurement.latencies_us) <= most_answers(measurement, places=4, service=0.25)
    assert measurement.handler == "def"
    [worker] = measurement.worker_requests
    assert measurement.worker_requests[worker] == len(measurement.latencies_us)
    assert measurement.worker_threads == {worker: 4}
    assert measurement.worker_peak_in_flight == {worker: 4}
    assert min(measurement.service_times_us) >= 250_000
    assert len(measurement.wait_times_us) == len(measurement.cpu_times_us) == len(measurement.service_times_us)
    assert measurement.open_calls == pytest.approx(4, rel=0.1)  # the others wait for a thread
    assert str(measurement.front_pid) in measurement.worker_cpu
    assert worker in measurement.worker_cpu
    assert measurement.worker_peak_mb[worker] >= measurement.worker_rss_mb[worker] * 0.99
    figures = figures_of([measurement])
    assert figures.worker_cores is not None
    assert figures.front_cores is not None
    assert figures.worker_cores + figures.front_cores == pytest.approx(measurement.host_cpu)
    assert figures.worker_peak_mb == pytest.approx(
        sum(peak for pid, peak in measurement.worker_peak_mb.items() if pid != str(measurement.front_pid))
    )
    assert measurement.concurrency == pytest.approx(8, rel=0.05)
    assert measurement.host_cpu is not None
    assert 0.005 < measurement.host_cpu < 1
    assert measurement.other_cpu is not None
    assert children() <= others


async def test_sweep_that_was_cut_short_is_resumed(whole: Whole, tmp_path: Path) -> None:
    folder = whole.copy(tmp_path / "cut")
    journal = folder / "run" / "measurements.jsonl"
    first, second, third, _ = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(first + second + third[: len(third) // 2])

    events = await run(whole.asked, folder, resume=True)

    assert journal.read_bytes().startswith(first + second)
    assert [(m.trial, m.setting.thread_count, m.users) for m in written(folder)] == [
        (0, 2, 1),
        (0, 2, 2),
        (1, 1, 1),
        (1, 1, 2),
    ]
    assert isinstance(events[0], SweepStarted)
    assert (events[0].measured, events[0].steps) == (2, 2)
    again = await run(whole.asked, folder, resume=True)
    assert [type(event) for event in again] == [SweepStarted, SweepFinished]


async def test_resumed_sweep_tries_again_what_failed(tmp_path: Path) -> None:
    wanted = asked(tmp_path, thread_count="[99, 2]")
    await run(wanted, tmp_path)
    events = await run(wanted, tmp_path, resume=True)
    assert [event.trial.setting.thread_count for event in events if isinstance(event, TrialFailed)] == [99]
    assert len((tmp_path / "run" / "failures.jsonl").read_text().splitlines()) == 1


async def test_resume_needs_a_run_of_the_same_machine_and_software(whole: Whole, tmp_path: Path) -> None:
    with pytest.raises(
        RunFolderError, match=r"run is not a run folder: it has no environment.json; `functune sweep --out DIR` writes"
    ):
        await run(asked(tmp_path), tmp_path, resume=True)
    folder = whole.copy(tmp_path / "elsewhere")
    path = folder / "run" / "environment.json"
    path.write_text(path.read_text().replace('"cpu_count": ', '"cpu_count": 9'))
    with pytest.raises(RunFolderError, match=r"cannot be resumed: cpu_count was 9\d+ and is \d+ now; measure again"):
        await run(whole.asked, folder, resume=True)


async def test_sweep_calibrates_the_generator_before_and_after(tmp_path: Path) -> None:
    """And no more once everything is measured."""
    for resume in (False, True):
        folder = opened(tmp_path, asked(tmp_path), resume=resume)
        await measure_run(
            folder,
            app=ServedApp(tmp_path),
            kind=StandInKind(),
            planner=Grid(),
            on_progress=lambda event: None,
            checked=False,
        )
        before, after = folder.calibrations()
        [step] = written(tmp_path)
        assert before.at < step.started_at < after.at
