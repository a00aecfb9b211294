"""
The planner of a sweep: the adaptive search or the grid, then the repeats of the deciding steps, then the arrivals.

It only asks the analysis and keeps no state, so a sweep that was killed continues where it stopped.
"""

import random
from collections.abc import Collection, Iterator, Sequence
from itertools import groupby, product

import msgspec

from functune.analysis.numbers.levels import Level, levels_of
from functune.analysis.search.exploration import every_setting, explore
from functune.analysis.verdict.recommendation import Evidence, Recommendation, aim_of, recommend
from functune.experiments.model import Experiment
from functune.experiments.planned import (
    Trial,
    planned_settings,
    planned_subjects,
    planned_trials,
    required_arrivals,
    required_steps,
)
from functune.experiments.subject import Subject
from functune.plans.registry import SCOPES, price_for
from functune.run.measurement import Measurement, Phase
from functune.setting import Setting
from functune.sweep.trials import Grid, PlannedTrial, closed_loop, missing

CONNECTIONS_PER_USER = 4
"""Connections of an open loop per user of the closed loop with the same throughput; the rest is room for a queue."""
LEAST_CONNECTIONS = 64
MOST_CONNECTIONS = 1000

type StepKey = tuple[Subject, Setting, int]
"""Subject, setting and users of a closed-loop step."""


class SearchPlanner:
    """
    The Planner of a sweep; ``cores`` are those of the machine that runs the host, None when unknown.

    It plans the closed loop first, as the experiment's ``search`` says, then the arrivals, if any. A single setting
    leaves nothing to search: all its steps are measured.
    """

    def __init__(self, *, cores: float | None) -> None:
        self.cores = cores
        self.grid = Grid()

    def is_exact(self, experiment: Experiment) -> bool:
        """Whether nothing is searched."""
        return experiment.load.search == "grid" or len(planned_settings(experiment.settings)) == 1

    def next_trials(
        self, experiment: Experiment, measured: Sequence[Measurement], failed: Sequence[PlannedTrial]
    ) -> list[PlannedTrial]:
        """The next trials; none when the experiment is done."""
        closed = self.grid.next_trials if self.is_exact(experiment) else self.searched
        return closed(experiment, measured, failed) or self.arrivals(experiment, measured, failed)

    def trials_left(
        self, experiment: Experiment, measured: Sequence[Measurement], failed: Sequence[PlannedTrial]
    ) -> list[PlannedTrial]:
        """The rest of the grid, unless the search is over, and the rest of the arrivals."""
        is_over = not self.is_exact(experiment) and not self.searched(experiment, measured, failed)
        closed = [] if is_over else self.grid.next_trials(experiment, without_confirming(measured), failed)
        if not experiment.load.arrivals:
            return closed
        if planned := self.planned_arrivals(experiment, measured):
            return [*closed, *missing(planned, measured, failed)]
        return [*closed, *expected_arrivals(experiment)]

    def searched(
        self, experiment: Experiment, measured: Sequence[Measurement], failed: Sequence[PlannedTrial]
    ) -> list[PlannedTrial]:
        """The steps that the search asks for; after them, in rounds, the repeats of the deciding steps."""
        # Void measurements count here: a repeated step would be void again, and the search would never end.
        levels = closed_levels(experiment, measured, count_void=True)
        lost = {(each.subject, each.setting) for each in failed}
        once = experiment.load.repeats == 1
        found = explore(experiment, levels, cores=self.cores, scopes=SCOPES, lost=lost, confirming=once)
        done = {(level.subject, level.setting, level.users): len(level.repeats) for level in levels}
        if found.batch:
            keys = [(step.subject, step.setting, step.users) for step in found.batch]
            return list(in_trials(experiment, keys, done))
        decisive = [key for key in self.deciding(experiment, levels) if key[:2] not in lost]
        fewest = min((done.get(key, 0) for key in decisive), default=experiment.load.repeats)
        if fewest >= experiment.load.repeats:
            return []
        keys = [key for key in decisive if done.get(key, 0) == fewest]
        random.Random(f"{experiment.load.seed} {experiment.name} {fewest}").shuffle(keys)
        return list(in_trials(experiment, keys, done))

    def deciding(self, experiment: Experiment, levels: Sequence[Level]) -> list[StepKey]:
        """
        The steps that decide the answer: those of the settings tied with the best of every plan, those of the defaults,
        and those that the expectations need.

        Every setting is compared with the defaults. Measured in every round, they also are a control that shows drift.
        """
        keys = [(step.subject, step.setting, step.users) for step in required_steps(experiment)]
        controls = settings_always_wanted(experiment)
        for found in self.recommendations(experiment, levels):
            users = {each.setting: each.users for each in found.evidence}
            wanted = [*found.ties, *controls[found.subject]]
            keys += [(found.subject, setting, users.get(setting, found.best.users)) for setting in wanted]
        return list(dict.fromkeys(keys))

    def recommendations(self, experiment: Experiment, levels: Sequence[Level]) -> Iterator[Recommendation]:
        """
        The recommendations so far, by subject and instance size: among all settings, then those that each plan allows.
        """
        aim = aim_of(experiment, price_for(experiment.priced_memory_mb))
        sizes = dict.fromkeys(setting.instance for setting in planned_settings(experiment.settings))
        for subject in planned_subjects(experiment):
            for size, allows in product(sizes, (every_setting, *SCOPES)):
                of_size = [level for level in levels if level.setting.instance == size]
                found = recommend(subject, of_size, aim=aim, cores=self.cores, allows=allows)
                if isinstance(found, Recommendation):
                    yield found

    def arrivals(
        self, experiment: Experiment, measured: Sequence[Measurement], failed: Sequence[PlannedTrial]
    ) -> list[PlannedTrial]:
        """The open-loop trials that are left."""
        if not experiment.load.arrivals:
            return []
        return list(missing(self.planned_arrivals(experiment, measured), measured, failed))

    def planned_arrivals(self, experiment: Experiment, measured: Sequence[Measurement]) -> list[PlannedTrial]:
        """The recommended setting and the controls at shares of their capacity, in every repeat, once it is known."""
        trials = trials_by_subject(experiment)
        controls = settings_always_wanted(experiment)
        chosen: dict[tuple[Subject, Setting], Evidence] = {}
        for found in self.recommendations(experiment, closed_levels(experiment, measured)):
            for each in found.evidence:
                if each.setting in (found.setting, *controls[found.subject]):
                    chosen.setdefault((found.subject, each.setting), each)
        planned: list[PlannedTrial] = []
        for repeat in range(experiment.load.repeats):
            order = list(chosen)
            random.Random(f"{experiment.load.seed} {experiment.name} arrivals {repeat}").shuffle(order)
            settings = [setting for _, setting in order]
            in_groups = sorted(order, key=lambda key: settings.index(key[1]))
            planned += [open_loop(experiment, trials[key], chosen[key], repeat=repeat) for key in in_groups]
        return planned


def closed_levels(experiment: Experiment, measured: Sequence[Measurement], *, count_void: bool = False) -> list[Level]:
    """The closed-loop levels of an experiment's measurements."""
    steps = (step for step in measured if step.share is None)
    return levels_of(
        steps, seed=experiment.load.seed, price=price_for(experiment.priced_memory_mb), count_void=count_void
    )


def without_confirming(measured: Sequence[Measurement]) -> list[Measurement]:
    """The measurements, with the repeats of a search in the phase of the grid, so that both are the same steps."""
    return [msgspec.structs.replace(step, phase="capacity") if step.phase == "confirm" else step for step in measured]


def settings_always_wanted(experiment: Experiment) -> dict[Subject, list[Setting]]:
    """By subject, the settings measured in addition to the best: the defaults, and those with expected arrivals."""
    defaults = [one for one in planned_settings(experiment.settings) if one == experiment.compared_with]
    wanted = {subject: list(defaults) for subject in planned_subjects(experiment)}
    for trial in required_arrivals(experiment):
        wanted[trial.subject].append(trial.setting)
    return wanted


def trials_by_subject(experiment: Experiment) -> dict[tuple[Subject, Setting], Trial]:
    """The trials of one round by subject and setting."""
    return {(trial.subject, trial.setting): trial for trial in planned_trials(experiment)}


def in_trials(experiment: Experiment, keys: Collection[StepKey], done: dict[StepKey, int]) -> Iterator[PlannedTrial]:
    """The steps as trials: steps of one setting share a host, and those of one subject share a load."""
    hosts = list(dict.fromkeys((key[1], done.get(key, 0)) for key in keys))
    subjects = planned_subjects(experiment)
    trials = trials_by_subject(experiment)

    def place(key: StepKey) -> tuple[int, int, int]:
        return hosts.index((key[1], done.get(key, 0))), subjects.index(key[0]), key[2]

    for (host, subject), group in groupby(sorted(keys, key=place), key=lambda key: place(key)[:2]):
        setting, repeat = hosts[host]
        phase: Phase = "confirm" if repeat else "capacity"
        users = tuple(key[2] for key in group)
        yield closed_loop(experiment, trials[subjects[subject], setting], users=users, repeat=repeat, phase=phase)


def open_loop(experiment: Experiment, trial: Trial, served: Evidence, *, repeat: int) -> PlannedTrial:
    """A trial of arrivals at the experiment's shares of the setting's capacity."""
    shares = experiment.load.arrivals
    return PlannedTrial(
        experiment=experiment,
        setting=trial.setting,
        subject=trial.subject,
        users=(min(max(CONNECTIONS_PER_USER * served.users, LEAST_CONNECTIONS), MOST_CONNECTIONS),),
        repeat=repeat,
        phase="arrivals",
        shares=shares,
        arrival_rates=tuple(share * served.throughput for share in shares),
    )


def expected_arrivals(experiment: Experiment) -> Iterator[PlannedTrial]:
    """Trials that take as long as the arrivals, for an estimate before their settings and rates are known."""
    controls = settings_always_wanted(experiment)
    for subject in planned_subjects(experiment):
        for setting in {experiment.compared_with, *controls[subject]}:
            served = Evidence(setting=setting, users=1, throughput=1.0, p95=None, spread=None)
            trial = Trial(subject=subject, setting=setting)
            for repeat in range(experiment.load.repeats):
                yield open_loop(experiment, trial, served, repeat=repeat)
