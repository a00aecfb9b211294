"""What is measured next: an experiment and what was measured of it -> trials. Pure, and the same again after a kill."""

import itertools
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from functune import experiments
from functune.experiments import Experiment, Trial
from functune.load.records import LoadPlan
from functune.measurements import Measurement, Phase, Setting

LOAD_SECONDS = 0.9
"""About what starting and stopping the load generator takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedTrial:
    """One run of the load generator: a route with one setting, at some numbers of users or rates of arrivals."""

    experiment: Experiment
    setting: Setting
    route: str
    users: tuple[int, ...]
    """Of an open loop, the one number of connections that carry the arrivals."""
    background_users: int = 0
    repeat: int = 0
    phase: Phase = "capacity"
    arrival_rates: tuple[float, ...] = ()
    """Of an open loop, arrivals per second."""

    @property
    def load(self) -> LoadPlan:
        """Its load, of a host that is not known yet."""
        load = self.experiment.load
        return LoadPlan(
            route=self.route,
            users=self.users,
            arrival_rates=self.arrival_rates,
            seed=load.seed + self.repeat,
            background=self.experiment.workload.background,
            background_users=self.background_users,
            warm_up=load.warm_up,
            measure=load.measure,
        )

    @property
    def steps(self) -> int:
        """How many steps it has."""
        return self.load.steps

    @property
    def seconds(self) -> float:
        """About how long it takes, without its host."""
        return LOAD_SECONDS + self.load.seconds

    @property
    def host(self) -> tuple[object, ...]:
        """Trials that follow each other and agree in this share a host."""
        return self.experiment.name, self.setting, self.repeat, self.phase


class Planner(Protocol):
    """
    Chooses the next trials of an experiment from what was measured of it; none when it is done.

    ``failed`` are those that could not be measured, or not to their end, in this run: they are not tried again.
    """

    def __call__(
        self, experiment: Experiment, measured: Sequence[Measurement], failed: Sequence[PlannedTrial]
    ) -> list[PlannedTrial]: ...


def grid(experiment: Experiment, measured: Sequence[Measurement], failed: Sequence[PlannedTrial]) -> list[PlannedTrial]:
    """Every step in every repeat that is not measured yet, round by round."""
    every = (trial for repeat in range(experiment.load.repeats) for trial in shuffled_round(experiment, repeat))
    return list(missing(every, measured, failed))


def shuffled_round(experiment: Experiment, repeat: int) -> Iterator[PlannedTrial]:
    """
    Every setting once, in an order the seed decides; the trials of one setting, which share a host, stay together.

    In a random order a machine that slowly changes cannot favour one setting in every round.
    """
    groups = [
        list(group) for _, group in itertools.groupby(experiments.trials(experiment), key=lambda trial: trial.setting)
    ]
    random.Random(f"{experiment.load.seed} {experiment.name} {repeat}").shuffle(groups)
    for trial in itertools.chain.from_iterable(groups):
        yield planned(experiment, trial, users=experiment.load.users, repeat=repeat)


def planned(
    experiment: Experiment,
    trial: Trial,
    *,
    users: tuple[int, ...],
    repeat: int,
    phase: Phase = "capacity",
    arrival_rates: tuple[float, ...] = (),
) -> PlannedTrial:
    """A trial of the experiment with this load."""
    return PlannedTrial(
        experiment=experiment,
        setting=trial.setting,
        route=trial.route,
        background_users=trial.background_users,
        users=users,
        repeat=repeat,
        phase=phase,
        arrival_rates=arrival_rates,
    )


def missing(
    trials: Iterable[PlannedTrial], measured: Sequence[Measurement], failed: Sequence[PlannedTrial]
) -> Iterator[PlannedTrial]:
    """Of each trial what is left to measure: nothing of one that failed."""
    given_up = {key(each) for each in failed}
    have = {(*key(each), each.users, each.arrival_rate) for each in measured}
    for trial in trials:
        if key(trial) in given_up:
            continue
        if trial.arrival_rates:
            [users] = trial.users
            rates = tuple(rate for rate in trial.arrival_rates if (*key(trial), users, rate) not in have)
            left = replace(trial, arrival_rates=rates) if rates else None
        else:
            several = tuple(users for users in trial.users if (*key(trial), users, None) not in have)
            left = replace(trial, users=several) if several else None
        if left is not None:
            yield left


def key(each: PlannedTrial | Measurement) -> tuple[object, ...]:
    """What tells the trials of an experiment apart."""
    return each.setting, each.route, each.background_users, each.repeat, each.phase
