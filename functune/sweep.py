"""
Experiments -> a run folder: for each setting a host, for each trial a load, for each step a measurement.

    experiment.toml       what was asked, written first
    environment.json      what it is measured on, written first
    measurements.jsonl    one line per step, written as soon as the step is over
    failures.jsonl        one line per trial that could not be measured, only if there were any
"""

import contextlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec

from functune import environment, experiments, measurements
from functune.errors import FunctuneError, HostError, LoadError, UsageError
from functune.experiments import Experiment
from functune.host.process import HostProcess
from functune.load import windows
from functune.load.records import LoadPlan, Request, StepEnd
from functune.load.runner import finished_steps
from functune.measurements import Measurement, Setting

FAILURES = "failures.jsonl"
LOAD_SECONDS = 0.9
"""About what starting and stopping the load generator takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedTrial:
    """A trial in its place in the run."""

    number: int
    """Counts the trials of a run from 0."""
    experiment: Experiment
    setting: Setting
    route: str

    @property
    def load(self) -> LoadPlan:
        """The load of the trial."""
        load = self.experiment.load
        return LoadPlan(route=self.route, users=load.users, warm_up=load.warm_up, measure=load.measure)

    @property
    def seconds(self) -> float:
        """About how long the trial takes, without its host."""
        return LOAD_SECONDS + self.load.seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepStarted:
    """The first event: what is planned."""

    trials: int
    steps: int
    seconds: float
    """About how long it takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialStarted:
    """A host is up, and its load starts."""

    trial: PlannedTrial
    seconds_left: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFinished:
    """A measurement was written."""

    trial: PlannedTrial
    measurement: Measurement
    seconds_left: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialFailed:
    """A trial could not be measured, or not to its end; the sweep goes on."""

    trial: PlannedTrial
    cause: str
    seconds_left: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepFinished:
    """The last event."""

    folder: Path
    steps: int
    failures: int


type Event = SweepStarted | TrialStarted | StepFinished | TrialFailed | SweepFinished


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """One line of failures.jsonl."""

    experiment: str
    trial: int
    route: str
    setting: Setting
    cause: str


class RunningHost(Protocol):
    """A host that answers at ``base_url``."""

    base_url: str

    @property
    def pid(self) -> int | None:
        """Its process, the parent of its workers; None when it was not started here."""

    @property
    def key(self) -> str | None:
        """Sent as x-functions-key with every request; None where none is asked for."""

    def tail(self) -> str:
        """The last lines it printed."""


class StartHost(Protocol):
    """How a host is started: HostProcess, CoreTools, RemoteHost, or what stands in for them."""

    @property
    def name(self) -> str:
        """What environment.json says answered."""

    @property
    def runs_script_root(self) -> bool:
        """Whether it runs the app in ``script_root``; else what is deployed there is not known."""

    def seconds(self, process_count: int) -> float:
        """About what starting and stopping a host takes, for the time left."""

    def __call__(
        self, *, script_root: Path, thread_count: int | None, process_count: int
    ) -> AbstractAsyncContextManager[RunningHost]: ...


async def sweep(
    asked: Sequence[Experiment],
    *,
    out: Path,
    script_root: Path,
    on_progress: Callable[[Event], None],
    command: Sequence[str] = (),
    start_host: StartHost = HostProcess,
) -> Path:
    """
    Measure every step of the experiments with the app in ``script_root`` and return the run folder, ``out``.

    A trial that cannot be measured is reported, noted in failures.jsonl and passed over. Cancelling ends host and load
    and keeps what was measured. ``command`` is noted in environment.json. Raises UsageError when ``out`` holds a run
    already or cannot be written, and HostError or LoadError, like the first failure, when no step could be measured.
    """
    trials = list(planned_trials(asked))
    app = script_root if start_host.runs_script_root else None
    measured_on = environment.collect(script_root=app, host=start_host.name, command=command)
    create_run_folder(out, asked, measured_on)
    run = Run(trials, out=out, on_progress=on_progress, host_seconds=start_host.seconds)
    for _, group in itertools.groupby(trials, key=lambda trial: (trial.experiment.name, trial.setting)):
        of_setting = list(group)
        setting = of_setting[0].setting
        host = start_host(
            script_root=script_root, thread_count=setting.thread_count, process_count=setting.process_count
        )
        await run.measure_setting(of_setting, host)
    run.finish()
    return out


def planned_trials(asked: Iterable[Experiment]) -> Iterator[PlannedTrial]:
    """The trials of all experiments in the order they are measured; those that share a host follow each other."""
    every = ((experiment, trial) for experiment in asked for trial in experiments.trials(experiment))
    for number, (experiment, trial) in enumerate(every):
        yield PlannedTrial(number=number, experiment=experiment, setting=trial.setting, route=trial.route)


def create_run_folder(out: Path, asked: Sequence[Experiment], measured_on: environment.Environment) -> None:
    """Write what was asked and what it is measured on. Raises UsageError when a run is there or none can be written."""
    if (out / measurements.FILE_NAME).exists():
        raise UsageError(
            f"{out} holds a run already ({measurements.FILE_NAME}): give another folder with --out, or remove this one"
        )
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / FAILURES).unlink(missing_ok=True)  # of a run that measured nothing and is now repeated
        (out / experiments.FILE_NAME).write_text(experiments.dumps(asked), encoding="utf-8")
        (out / environment.FILE_NAME).write_bytes(
            msgspec.json.format(msgspec.json.encode(measured_on), indent=2) + b"\n"
        )
    except OSError as error:
        raise UsageError(f"{out}: {error.strerror}; --out needs a folder that can be written") from error


class Run:
    """A sweep under way: measures trial by trial, writes what comes of it and says so."""

    def __init__(
        self,
        trials: Sequence[PlannedTrial],
        *,
        out: Path,
        on_progress: Callable[[Event], None],
        host_seconds: Callable[[int], float],
    ) -> None:
        self.trials = trials
        self.out = out
        self.on_progress = on_progress
        self.host_seconds = host_seconds
        self.steps = 0
        self.failures: list[FunctuneError] = []
        steps = sum(len(trial.load.users) for trial in trials)
        on_progress(SweepStarted(trials=len(trials), steps=steps, seconds=self.seconds_left(0)))

    async def measure_setting(
        self, trials: Sequence[PlannedTrial], starting: AbstractAsyncContextManager[RunningHost]
    ) -> None:
        """Measure the trials of one setting on one host; when it fails, all that are not over fail with it."""
        over = 0
        try:
            async with starting as host:
                for trial in trials:
                    await self.measure_trial(trial, host)
                    over += 1
        except HostError as error:
            for trial in trials[over:]:
                self.fail(trial, error)

    async def measure_trial(self, trial: PlannedTrial, host: RunningHost) -> None:
        """Put the load on the host and write each step's measurement as soon as the step is over."""
        self.on_progress(TrialStarted(trial=trial, seconds_left=self.seconds_left(trial.number)))
        try:
            load = msgspec.structs.replace(trial.load, host_pid=host.pid)
            async with contextlib.aclosing(finished_steps(load, base_url=host.base_url, key=host.key)) as steps:
                async for step, requests in steps:
                    self.write(trial, step, requests)
        except LoadError as error:
            said = host.tail()
            self.fail(trial, LoadError(f"{error}\nThe last lines of the host:\n{said}") if said else error)

    def write(self, trial: PlannedTrial, step: StepEnd, requests: Sequence[Request]) -> None:
        """Write the measurement of a step. Raises LoadError when it is none."""
        measurement = windows.measure(
            step,
            requests,
            experiment=trial.experiment.name,
            trial=trial.number,
            route=trial.route,
            setting=trial.setting,
        )
        measurements.append(self.out / measurements.FILE_NAME, measurement)
        self.steps += 1
        load = trial.load
        steps_left = sum(users > step.users for users in load.users)
        self.on_progress(
            StepFinished(
                trial=trial,
                measurement=measurement,
                seconds_left=self.seconds_left(trial.number + 1) + steps_left * (load.warm_up + load.measure),
            )
        )

    def fail(self, trial: PlannedTrial, error: FunctuneError) -> None:
        """Note that a trial could not be measured."""
        self.failures.append(error)
        failure = Failure(
            experiment=trial.experiment.name,
            trial=trial.number,
            route=trial.route,
            setting=trial.setting,
            cause=str(error),
        )
        with (self.out / FAILURES).open("ab") as file:
            file.write(msgspec.json.encode(failure) + b"\n")
        left = self.seconds_left(trial.number + 1)
        self.on_progress(TrialFailed(trial=trial, cause=str(error), seconds_left=left))

    def finish(self) -> None:
        """Say how it went. Raises an error like the first failure when nothing was measured."""
        self.on_progress(SweepFinished(folder=self.out, steps=self.steps, failures=len(self.failures)))
        if self.steps == 0:
            kind = HostError if isinstance(self.failures[0], HostError) else LoadError
            raise kind(f"no trial could be measured ({len(self.failures)} failed); the first: {self.failures[0]}")

    def seconds_left(self, number: int) -> float:
        """About how long the trials from ``number`` on take, with their hosts."""
        rest = self.trials[number:]
        hosts = {(trial.experiment.name, trial.setting) for trial in rest}
        starts = sum(self.host_seconds(setting.process_count) for _, setting in hosts)
        return starts + sum(trial.seconds for trial in rest)
