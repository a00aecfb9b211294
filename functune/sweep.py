"""
Experiments -> a run folder: for each setting a host, for each trial a load, for each step a measurement.

    experiment.toml       what was asked, written first
    environment.json      what it is measured on, written first
    calibration.jsonl     what the load generator reaches by itself, before and after
    measurements.jsonl    one line per step, written as soon as the step is over
    failures.jsonl        one line per trial that could not be measured, only if there were any

What is measured next is asked of a planner, which looks at what was measured so far. It always answers the same to the
same, so a sweep that was killed is resumed by asking again.
"""

import contextlib
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from functune import environment, experiments, measurements
from functune.environment import Environment
from functune.errors import FunctuneError, HostError, LoadError, UsageError
from functune.experiments import Experiment
from functune.hosts.kinds import HostKind, RunningHost
from functune.hosts.local import LOCAL_HOST
from functune.load import windows
from functune.load.calibration import calibrate
from functune.load.records import Request, StepEnd
from functune.load.runner import finished_steps
from functune.load.target import target_settings
from functune.load.windows import Place
from functune.measurements import FAILURES, Failure, Measurement
from functune.setting import Setting
from functune.trials import PlannedTrial, Planner, grid


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepStarted:
    """The first event: what is planned, or as much of it as the planner tells before the first result."""

    trials: int
    steps: int
    seconds: float
    """About how long it takes."""
    measured: int = 0
    """Steps that an earlier part of the run has measured."""


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


async def sweep(
    asked: Sequence[Experiment],
    *,
    out: Path,
    script_root: Path,
    on_progress: Callable[[Event], None],
    planner: Planner = grid,
    resume: bool = False,
    calibrated: bool = True,
    command: Sequence[str] = (),
    host_kind: HostKind = LOCAL_HOST,
) -> Path:
    """
    Measure the experiments with the app in ``script_root`` as the planner wants it; return the run folder, ``out``.

    With ``resume`` the run of that folder goes on: nothing that was measured is measured again. A trial that cannot be
    measured is reported, noted in failures.jsonl and passed over. Cancelling ends host and load and keeps what was
    measured. ``command`` is noted in environment.json. Raises UsageError when ``out`` holds a run already, or none that
    can be resumed, or cannot be written, and HostError or LoadError, from the first failure, when no step could be
    measured.
    """
    app = script_root if host_kind.runs_script_root else None
    measured_on = environment.collect(script_root=app, host=host_kind.name, command=command)
    if resume:
        reopen_run_folder(out, measured_on)
    else:
        create_run_folder(out, asked, measured_on)
    run = Run(asked, out=out, on_progress=on_progress, planner=planner, host_seconds=host_kind.seconds)
    if calibrated:
        measurements.append(out / measurements.CALIBRATIONS, await calibrate())
    while batch := run.next_batch():
        for _, group in itertools.groupby(batch, key=lambda trial: trial.host):
            await run.measure_setting(list(group), script_root=script_root, host_kind=host_kind)
    if calibrated:
        measurements.append(out / measurements.CALIBRATIONS, await calibrate())
    run.finish()
    return out


def create_run_folder(out: Path, asked: Sequence[Experiment], measured_on: Environment) -> None:
    """Write what was asked and what it is measured on. Raises UsageError when a run is there or none can be written."""
    if (out / measurements.FILE_NAME).exists():
        raise UsageError(
            f"{out} holds a run already ({measurements.FILE_NAME}): go on with it by --resume, "
            "give another folder with --out, or remove this one"
        )
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / FAILURES).unlink(missing_ok=True)  # of a run that measured nothing and is now repeated
        (out / experiments.FILE_NAME).write_text(experiments.dumps(asked), encoding="utf-8")
        environment.write(out, measured_on)
    except OSError as error:
        raise UsageError(f"{out}: {error.strerror}; --out needs a folder that can be written") from error


def reopen_run_folder(out: Path, measured_on: Environment) -> None:
    """
    Make the folder ready for more measurements.

    Raises UsageError when it holds no run, or one of another machine or software: figures of two cannot be compared.
    """
    before = environment.read(out)
    for name, was, now in environment.differences(before, measured_on):
        raise UsageError(
            f"{out} cannot be resumed: {name} was {was!r} and is {now!r} now; measure again into another folder"
        )
    try:
        (out / FAILURES).unlink(missing_ok=True)  # what failed is tried again
        for journal in (measurements.FILE_NAME, measurements.CALIBRATIONS):
            measurements.mend(out / journal)
    except OSError as error:
        raise UsageError(f"{out}: {error.strerror}; --resume needs a folder that can be written") from error


class Run:
    """A sweep under way: measures trial by trial, writes what comes of it and says so."""

    def __init__(
        self,
        asked: Sequence[Experiment],
        *,
        out: Path,
        on_progress: Callable[[Event], None],
        planner: Planner,
        host_seconds: Callable[[Setting], float],
    ) -> None:
        self.asked = asked
        self.out = out
        self.on_progress = on_progress
        self.planner = planner
        self.host_seconds = host_seconds
        journal = out / measurements.FILE_NAME
        self.measured = measurements.load(out) if journal.exists() and journal.stat().st_size else []
        self.trials = 1 + max((each.trial for each in self.measured), default=-1)
        """Trials begun so far; the number of the next."""
        self.steps = 0
        self.failures: list[FunctuneError] = []
        self.failed: list[PlannedTrial] = []
        self.waiting = list(itertools.chain.from_iterable(map(self.plan, asked)))
        """What is planned and not begun."""
        on_progress(
            SweepStarted(
                trials=len(self.waiting),
                steps=sum(trial.steps for trial in self.waiting),
                seconds=self.seconds_left,
                measured=len(self.measured),
            )
        )

    def plan(self, experiment: Experiment) -> list[PlannedTrial]:
        """What the planner wants of an experiment now."""
        mine = [each for each in self.measured if each.experiment == experiment.name]
        return self.planner(experiment, mine, [each for each in self.failed if each.experiment == experiment])

    def next_batch(self) -> list[PlannedTrial]:
        """The next trials of the first experiment that is not done; what the later ones want counts for the time."""
        for number, experiment in enumerate(self.asked):
            if batch := self.plan(experiment):
                later = itertools.chain.from_iterable(map(self.plan, self.asked[number + 1 :]))
                self.waiting = [*batch, *later]
                return batch
        return []

    async def measure_setting(self, trials: Sequence[PlannedTrial], *, script_root: Path, host_kind: HostKind) -> None:
        """Measure the trials of one setting on one host; when it fails, all that are not over fail with it."""
        setting, called = trials[0].setting, trials[0].experiment.workload.target
        over = 0
        try:
            async with (
                target_settings(called) as fetch_settings,
                host_kind.running(script_root, setting=setting, app_settings=fetch_settings) as host,
            ):
                for trial in trials:
                    await self.measure_trial(trial, host)
                    over += 1
        except HostError as error:
            for trial in trials[over:]:
                self.fail(trial, error)
                self.trials += 1

    async def measure_trial(self, trial: PlannedTrial, host: RunningHost) -> None:
        """Put the load on the host and write each step's measurement as soon as the step is over."""
        self.on_progress(TrialStarted(trial=trial, seconds_left=self.seconds_left))
        steps_left = trial.steps
        self.waiting.remove(trial)
        try:
            load = msgspec.structs.replace(trial.load, host_pid=host.pid)
            async with contextlib.aclosing(finished_steps(load, base_url=host.base_url, key=host.key)) as steps:
                async for step, requests in steps:
                    steps_left -= 1
                    self.write(trial, step, requests, steps_left=steps_left)
        except LoadError as error:
            said = host.tail()
            self.fail(trial, LoadError(f"{error}\nThe last lines of the host:\n{said}") if said else error)
        self.trials += 1

    def write(self, trial: PlannedTrial, step: StepEnd, requests: Sequence[Request], *, steps_left: int) -> None:
        """Write the measurement of a step. Raises LoadError when it is none."""
        place = Place(
            experiment=trial.experiment.name,
            trial=self.trials,
            route=trial.route,
            setting=trial.setting,
            repeat=trial.repeat,
            phase=trial.phase,
            background=trial.experiment.workload.background if trial.background_users else None,
            background_users=trial.background_users,
        )
        measurement = windows.measure(step, requests, place)
        measurements.append(self.out / measurements.FILE_NAME, measurement)
        self.measured.append(measurement)
        self.steps += 1
        load = trial.load
        left = self.seconds_left + steps_left * (load.warm_up + load.measure)
        self.on_progress(StepFinished(trial=trial, measurement=measurement, seconds_left=left))

    def fail(self, trial: PlannedTrial, error: FunctuneError) -> None:
        """Note that a trial could not be measured."""
        if trial in self.waiting:  # its host failed before it began
            self.waiting.remove(trial)
        is_known = str(error) in map(str, self.failures)
        self.failures.append(error)
        self.failed.append(trial)
        failure = Failure(
            experiment=trial.experiment.name,
            trial=self.trials,
            repeat=trial.repeat,
            phase=trial.phase,
            route=trial.route,
            setting=trial.setting,
            cause=str(error),
        )
        measurements.append(self.out / FAILURES, failure)
        shown = "the same cause as an earlier trial" if is_known else str(error)
        self.on_progress(TrialFailed(trial=trial, cause=shown, seconds_left=self.seconds_left))

    def finish(self) -> None:
        """Say how it went. Raises an error like the first failure when nothing was measured."""
        self.on_progress(SweepFinished(folder=self.out, steps=self.steps, failures=len(self.failures)))
        if not self.measured:
            kind = HostError if isinstance(self.failures[0], HostError) else LoadError
            raise kind(
                f"no trial could be measured ({len(self.failures)} failed); {self.out / FAILURES} has the causes"
            ) from self.failures[0]

    @property
    def seconds_left(self) -> float:
        """About how long the trials that have not begun take, with their hosts."""
        hosts = {trial.host: trial.setting for trial in self.waiting}
        return sum(map(self.host_seconds, hosts.values())) + sum(trial.seconds for trial in self.waiting)
