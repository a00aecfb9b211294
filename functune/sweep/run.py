"""
The run of a sweep: a host for each setting, a load for each trial, a measurement in the run folder for each step.

A planner chooses the next trials from the measurements so far.
"""

import contextlib
import itertools
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager

import msgspec

from functune.environ import without_values
from functune.errors import FunctuneError, HostError, LoadError, UnfitError
from functune.experiments.model import Experiment
from functune.formatting import plural
from functune.hosts.kinds import ChangingKind, HostKind, RunningHost
from functune.hosts.served_app import ServedApp
from functune.load import windows
from functune.load.calibration import calibrate
from functune.load.locust_process import shared_fork_server
from functune.load.records import Request, StepEnd
from functune.load.runner import finished_steps
from functune.load.target import target_settings
from functune.load.windows import Place
from functune.run.folder import FAILURES, RunFolder
from functune.run.measurement import Failure, Measurement
from functune.sweep.apps import app_for
from functune.sweep.events import (
    AppChanged,
    Event,
    StepFinished,
    SweepFinished,
    SweepStarted,
    TimeLeft,
    TrialFailed,
    TrialStarted,
)
from functune.sweep.preflight import needs_no_app_setting, preflight
from functune.sweep.trials import PlannedTrial, Planner, load_on


async def measure_run(
    folder: RunFolder,
    *,
    app: ServedApp,
    kind: HostKind,
    planner: Planner,
    on_progress: Callable[[Event], None],
    calibrated: bool = True,
    checked: bool = True,
) -> SweepFinished:
    """
    Measure the experiments of a run folder, with the app on hosts of a kind, as the planner asks.

    Before any load, each request of the experiments is sent once on the first host, unless ``checked`` is false. Raises
    LoadError where one of them fails.

    Returns the last event. Nothing that the folder holds already is measured again. A trial that cannot be measured is
    reported, noted in failures.jsonl and passed over. Cancelling ends host and load and keeps all measurements. Raises
    RunFolderError when the folder cannot be written, and HostError or LoadError, as the first failure was, when every
    trial failed.
    """
    run = Run(folder, app=app, kind=kind, planner=planner, on_progress=on_progress)
    if not checked:
        run.checked.extend(folder.experiments)
    processes = max((each.load.processes for each in folder.experiments), default=1)
    batch = run.next_batch()
    # Load processes on other machines cannot reach a server on the loopback interface of this one.
    calibrated = calibrated and bool(batch) and not any(each.load.workers for each in folder.experiments)
    with shared_fork_server():
        if calibrated:
            folder.append(await calibrate(processes=processes))
        async with lasting(kind, lambda text: on_progress(AppChanged(text=text))):
            while batch:
                for _, group in itertools.groupby(batch, key=lambda trial: trial.host):
                    await run.measure_setting(list(group))
                batch = run.next_batch()
        if calibrated:
            folder.append(await calibrate(processes=processes))
    return run.finish()


def lasting(kind: HostKind, report: Callable[[str], None]) -> AbstractAsyncContextManager[None]:
    """What the host kind keeps from the first host to the last."""
    return kind.lasting(report) if isinstance(kind, ChangingKind) else contextlib.nullcontext()


class Run:
    """A sweep under way: measures trial by trial, writes each measurement and reports it."""

    def __init__(
        self,
        folder: RunFolder,
        *,
        app: ServedApp,
        kind: HostKind,
        planner: Planner,
        on_progress: Callable[[Event], None],
    ) -> None:
        self.folder = folder
        self.app = app
        self.kind = kind
        self.planner = planner
        self.on_progress = on_progress
        self.measured = folder.measurements()
        self.trials = 1 + max((each.trial for each in self.measured), default=-1)
        """Trials begun so far; the number of the next."""
        self.steps = 0
        self.failures: list[FunctuneError] = []
        self.unfit = 0
        """Trials that do not fit the memory of their instance."""
        self.failed: list[PlannedTrial] = []
        self.done: list[Experiment] = []
        self.checked: list[Experiment] = []
        """The experiments whose requests were sent once, and succeeded."""
        self.routes: tuple[str, ...] = ()
        self.under_way: PlannedTrial | None = None
        """The trial that was begun last."""
        on_progress(
            SweepStarted(
                steps=sum(trial.steps for trial in self.trials_left()),
                left=self.time_left(),
                measured=len(self.measured),
            )
        )

    def next_batch(self) -> list[PlannedTrial]:
        """The next trials of the first experiment that is not done."""
        for experiment in self.folder.experiments:
            if experiment not in self.done:
                if batch := self.planner.next_trials(*self.state_of(experiment)):
                    return batch
                self.done.append(experiment)
        return []

    def state_of(self, experiment: Experiment) -> tuple[Experiment, list[Measurement], list[PlannedTrial]]:
        """An experiment with its measurements and its failed trials."""
        return (
            experiment,
            [each for each in self.measured if each.experiment == experiment.name],
            [each for each in self.failed if each.experiment == experiment],
        )

    async def measure_setting(self, trials: Sequence[PlannedTrial]) -> None:
        """
        Measure the trials of one setting on one host; when the host fails, those that are not over fail with it.

        Where one trial does not fit the memory of the instance, the others get a new host: they may fit.
        """
        setting, target = trials[0].setting, trials[0].experiment.workload.target
        app, over, unfit = app_for(trials[0].experiment, self.app), 0, len(trials)
        try:
            async with (
                target_settings(target) as fetch_settings,
                self.kind.running(app, setting=setting, app_settings=fetch_settings) as host,
            ):
                unfit = 0  # it sends the requests of all trials, and each is judged by its own
                await self.check_requests(trials[0].experiment, host)
                unfit = 1
                for trial in trials:
                    await self.measure_trial(trial, host)
                    over += 1
        except UnfitError as error:
            self.fail_all(trials[over : over + unfit], error)
            if rest := trials[over + unfit :]:
                await self.measure_setting(rest)
        except HostError as error:
            self.fail_all(trials[over:], error)

    def fail_all(self, trials: Iterable[PlannedTrial], error: FunctuneError) -> None:
        """Note trials that could not be measured, each with a number of its own."""
        for trial in trials:
            self.fail(trial, error)
            self.trials += 1

    async def check_requests(self, experiment: Experiment, host: RunningHost) -> None:
        """
        Send each request once, also those of further experiments on the same app that need no other app settings.

        Raises LoadError where a request fails, UnfitError where the host does not fit its instance.
        """
        if experiment in self.checked:
            return
        alike = [
            each
            for each in self.folder.experiments
            if each not in self.checked
            and (each == experiment or needs_no_app_setting(each))
            and app_for(each, self.app) == app_for(experiment, self.app)
        ]
        try:
            await preflight(alike, host, folder=self.folder.path)
        except LoadError as error:
            if (unfit := unfit_error(host, "when each request was sent once")) is None:
                raise
            self.checked += alike
            raise unfit from error
        self.checked += alike

    async def measure_trial(self, trial: PlannedTrial, host: RunningHost) -> None:
        """
        Put the load on the host and write each step's measurement as soon as the step is over.

        Raises UnfitError where the host does not fit its instance, after the first step that shows it.
        """
        self.on_progress(TrialStarted(trial=trial, left=self.time_left()))
        self.under_way = trial
        load = load_on(trial.load, host, self.folder, trial.experiment)
        try:
            async with contextlib.aclosing(finished_steps(load, base_url=host.base_url, key=host.key)) as steps:
                async for step, requests in steps:
                    self.write(trial, step, requests, host)
                    if (unfit := unfit_error(host, f"at {plural(step.users, 'user')}")) is not None:
                        raise unfit
        except LoadError as error:
            if (unfit := unfit_error(host, "under load")) is not None:
                raise unfit from error
            said = without_values(host.tail(), load.secrets)
            self.fail(trial, LoadError(f"{error}\nThe last lines of the host:\n{said}") if said else error)
        if not self.routes and not all(each.served for each in self.measured[-1:]):
            self.routes = tuple(await host.routes())
        self.trials += 1

    def write(self, trial: PlannedTrial, step: StepEnd, requests: Sequence[Request], host: RunningHost) -> None:
        """Write the measurement of a step. Raises LoadError when no request was answered."""
        place = Place(
            experiment=trial.experiment.name,
            trial=self.trials,
            subject=trial.subject,
            setting=trial.setting,
            repeat=trial.repeat,
            phase=trial.phase,
            share=trial.share_of(step.arrival_rate),
        )
        measured = windows.measure(step, requests, place)
        measurement = msgspec.structs.replace(
            measured,
            worker_ends=host.worker_ends(step.began, step.closed),
            setting_seen=host.setting_seen,
            memory_kills=0 if host.quota is None else host.quota.memory_kills,
        )
        self.folder.append(measurement)
        self.measured.append(measurement)
        self.steps += 1
        self.on_progress(StepFinished(trial=trial, measurement=measurement, left=self.time_left()))

    def fail(self, trial: PlannedTrial, error: FunctuneError) -> None:
        """Note that a trial could not be measured."""
        unfit_mb = error.memory_mb if isinstance(error, UnfitError) else None
        is_known = str(error) in map(str, self.failures)
        if unfit_mb is None:
            self.failures.append(error)
        else:
            self.unfit += 1
        self.failed.append(trial)
        self.folder.append(
            Failure(
                experiment=trial.experiment.name,
                trial=self.trials,
                repeat=trial.repeat,
                phase=trial.phase,
                subject=trial.subject,
                setting=trial.setting,
                cause=str(error),
                unfit_mb=unfit_mb,
            )
        )
        left = self.time_left()
        self.on_progress(
            TrialFailed(trial=trial, cause=str(error), is_known=is_known, is_unfit=unfit_mb is not None, left=left)
        )

    def finish(self) -> SweepFinished:
        """Report the end. Raises HostError or LoadError, as the first failure was, when only failures are there."""
        end = SweepFinished(
            folder=self.folder.path,
            steps=self.steps,
            failures=len(self.failures),
            unfit=self.unfit,
            routes=self.routes,
        )
        self.on_progress(end)
        if self.failures and not self.measured:
            kind = HostError if isinstance(self.failures[0], HostError) else LoadError
            causes = self.folder.path / FAILURES
            raise kind(
                f"no trial could be measured ({len(self.failures)} failed); {causes} has the causes"
            ) from self.failures[0]
        return end

    def trials_left(self) -> list[PlannedTrial]:
        """Every trial that may still be measured."""
        open_ones = [experiment for experiment in self.folder.experiments if experiment not in self.done]
        every = (self.planner.trials_left(*self.state_of(experiment)) for experiment in open_ones)
        return list(itertools.chain.from_iterable(every))

    def time_left(self) -> TimeLeft:
        """An estimate of the time for the trials left, with the start and stop of their hosts and loads."""
        left = self.trials_left()
        hosts = {trial.host: trial.setting for trial in left if not trial.shares_host(self.under_way)}
        return TimeLeft(
            seconds=sum(map(self.kind.seconds, hosts.values()))
            + sum(trial.load.seconds if trial.continues(self.under_way) else trial.seconds for trial in left),
            at_most=not all(map(self.planner.is_exact, self.folder.experiments)),
        )


def unfit_error(host: RunningHost, when: str) -> UnfitError | None:
    """That a host does not fit the memory of its instance; None where it does, or where its memory is not limited."""
    return None if host.quota is None else host.quota.unfit(when)
