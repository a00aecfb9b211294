"""Planned trials: the parts of an experiment that are measured in one run of the load generator."""

import itertools
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import msgspec

from functune.experiments.inputs import variable_names
from functune.experiments.model import Experiment
from functune.experiments.planned import Trial, planned_trials, templates_of
from functune.experiments.subject import Subject
from functune.hosts.kinds import RunningHost
from functune.load.load_workers import address_and_port
from functune.load.records import SETTLE_LIMIT, LoadPlan
from functune.run.folder import RunFolder
from functune.run.measurement import Measurement, Phase
from functune.setting import Setting

IMPORT_SECONDS = 0.6
"""Seconds that the first load of a run takes longer, which imports the load generator, roughly."""
LOAD_SECONDS = 0.3
"""Seconds that the load generator takes to start and stop, roughly."""
SEVERAL_SECONDS = 0.5
"""Seconds that it takes longer for several load processes, which start after their master."""
STEP_SECONDS = 0.4
"""Seconds that several load processes add to the window of a step: clock checks, and handing over the requests."""


def load_seconds(plan: LoadPlan) -> float:
    """Seconds that a load takes in addition to its warm-ups and windows, roughly."""
    if plan.senders == 1 and not plan.workers:
        return LOAD_SECONDS
    return LOAD_SECONDS + SEVERAL_SECONDS + plan.steps * STEP_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedTrial:
    """One run of the load generator: a subject with one setting, at some numbers of users or rates of arrivals."""

    experiment: Experiment
    setting: Setting
    subject: Subject
    users: tuple[int, ...]
    """For an open loop, the one number of connections for the arrivals."""
    repeat: int = 0
    phase: Phase = "capacity"
    shares: tuple[float, ...] = ()
    """For an open loop, the arrival rates as shares of the capacity."""
    arrival_rates: tuple[float, ...] = ()
    """For an open loop, the arrivals per second, one for each share."""
    settle_limit: float = SETTLE_LIMIT
    """Seconds by which the warm-up of a step may grow."""

    @property
    def load(self) -> LoadPlan:
        """The plan of its load, without the pid of a host and the folder of its files."""
        load, workload = self.experiment.load, self.experiment.workload
        return LoadPlan(
            route=self.subject.route,
            requests=templates_of(self.experiment, self.subject),
            locustfile=workload.locustfile,
            think_time=workload.think_time,
            users=self.users,
            arrival_rates=self.arrival_rates,
            seed=load.seed + self.repeat,
            background=self.subject.background,
            background_users=self.subject.background_users,
            warm_up=load.warm_up,
            measure=load.measure,
            settle_limit=self.settle_limit,
            processes=load.processes,
            workers=load.workers,
            bind=address_and_port(load.bind),
        )

    @property
    def steps(self) -> int:
        """The number of its steps."""
        return self.load.steps

    @property
    def seconds(self) -> float:
        """Estimated seconds, without the start and stop of its host."""
        return load_seconds(self.load) + self.load.seconds

    @property
    def host(self) -> tuple[object, ...]:
        """The key of its host: consecutive trials with the same key share one."""
        return self.experiment.name, self.setting, self.repeat, self.phase

    def shares_host(self, other: "PlannedTrial | None") -> bool:
        """Whether another trial runs on the same host; False for None."""
        return other is not None and other.host == self.host

    def continues(self, begun: "PlannedTrial | None") -> bool:
        """Whether it is the rest of a trial that was begun; False for None."""
        return begun is not None and self.shares_host(begun) and begun.subject == self.subject

    def share_of(self, arrival_rate: float | None) -> float | None:
        """The share that an arrival rate of the trial stands for; None for a closed loop."""
        return None if arrival_rate is None else self.shares[self.arrival_rates.index(arrival_rate)]


def load_on(plan: LoadPlan, host: RunningHost, run: RunFolder, experiment: Experiment) -> LoadPlan:
    """The plan of a load with the pid of its host, the folder of its files and the names of its secrets."""
    return msgspec.structs.replace(
        plan,
        host_pid=host.pid,
        calls_folder=host.calls_folder,
        cpu_stat=None if host.quota is None else str(host.quota.groups.cpu_stat),
        folder=str(run.path.resolve()),
        secrets=tuple(sorted(variable_names(experiment.workload, run.path))),
    )


class Planner(Protocol):
    """
    Chooses the next trials of an experiment from its measurements so far.

    It keeps no state, and its answers depend on its arguments alone, so a sweep that was killed is resumed by asking
    again. ``failed`` are trials of this run that could not be measured, or only in part: they are not tried again.
    """

    def next_trials(
        self, experiment: Experiment, measured: Sequence[Measurement], failed: Sequence[PlannedTrial]
    ) -> list[PlannedTrial]:
        """The next trials; none when the experiment is done."""

    def trials_left(
        self, experiment: Experiment, measured: Sequence[Measurement], failed: Sequence[PlannedTrial]
    ) -> list[PlannedTrial]:
        """Every trial that may still be measured, from which the time left is estimated."""

    def is_exact(self, experiment: Experiment) -> bool:
        """Whether all of ``trials_left`` will be measured."""


class Grid:
    """Measures every step of the closed loop in every repeat, round by round. A Planner."""

    def next_trials(
        self, experiment: Experiment, measured: Sequence[Measurement], failed: Sequence[PlannedTrial]
    ) -> list[PlannedTrial]:
        """The steps that are not measured yet."""
        every = (trial for repeat in range(experiment.load.repeats) for trial in shuffled_round(experiment, repeat))
        return list(missing(every, measured, failed))

    def trials_left(
        self, experiment: Experiment, measured: Sequence[Measurement], failed: Sequence[PlannedTrial]
    ) -> list[PlannedTrial]:
        """The same."""
        return self.next_trials(experiment, measured, failed)

    def is_exact(self, experiment: Experiment) -> bool:
        """Yes."""
        return True


def shuffled_round(experiment: Experiment, repeat: int) -> Iterator[PlannedTrial]:
    """
    Every setting once, in an order that the seed decides; the trials of one setting, which share a host, stay together.

    Since the order is random, a machine that slowly changes cannot favour one setting in every round.
    """
    groups = [
        list(group) for _, group in itertools.groupby(planned_trials(experiment), key=lambda trial: trial.setting)
    ]
    random.Random(f"{experiment.load.seed} {experiment.name} {repeat}").shuffle(groups)
    for trial in itertools.chain.from_iterable(groups):
        yield closed_loop(experiment, trial, users=experiment.load.users, repeat=repeat)


def closed_loop(
    experiment: Experiment, trial: Trial, *, users: tuple[int, ...], repeat: int, phase: Phase = "capacity"
) -> PlannedTrial:
    """A trial of the experiment with these numbers of users."""
    return PlannedTrial(
        experiment=experiment,
        setting=trial.setting,
        subject=trial.subject,
        users=users,
        repeat=repeat,
        phase=phase,
    )


def missing(
    trials: Iterable[PlannedTrial], measured: Sequence[Measurement], failed: Sequence[PlannedTrial]
) -> Iterator[PlannedTrial]:
    """The part of each trial that is left to measure; nothing for a trial that failed."""
    given_up = {trial_key(each) for each in failed}
    have = {(*trial_key(each), each.users if each.share is None else each.share) for each in measured}
    for trial in trials:
        key = trial_key(trial)
        if key in given_up:
            continue
        if trial.shares:
            pairs = zip(trial.shares, trial.arrival_rates, strict=True)
            left = [(share, rate) for share, rate in pairs if (*key, share) not in have]
            if left:
                shares, rates = zip(*left, strict=True)
                yield replace(trial, shares=shares, arrival_rates=rates)
        elif users := tuple(users for users in trial.users if (*key, users) not in have):
            yield replace(trial, users=users)


def trial_key(each: PlannedTrial | Measurement) -> tuple[object, ...]:
    """The identity of a trial within its experiment."""
    return each.setting, each.subject, each.repeat, each.phase
