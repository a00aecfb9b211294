"""
What a sweep measures next where that depends on what was measured: the adaptive search, its repeats, the arrivals.

A planner only asks the analysis; it keeps no state of its own, so a sweep that was killed goes on where it stopped.
"""

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from functune.analysis.exploration import explore
from functune.analysis.recommendation import Evidence, Recommendation, aim, recommend
from functune.analysis.subjects import named, subject, subjects
from functune.analysis.validity import void_reason
from functune.experiments import Experiment, Trial, required_arrivals, required_steps, settings, trials
from functune.measurements import Measurement, Phase, Setting
from functune.trials import PlannedTrial, Planner, grid, missing, planned

CONNECTIONS_PER_USER = 4
"""Of an open loop, for each user that the same throughput took in a closed one: the rest is room for a queue."""
LEAST_CONNECTIONS = 64
MOST_CONNECTIONS = 1000

type Key = tuple[str, Setting, int]
"""Subject, setting and users of a closed-loop step."""


def planner(*, cores: float | None) -> Planner:
    """
    The planner of a sweep on a machine of so many cores, None when unknown.

    First the closed loop, as the experiment's ``search`` says; then, where it asks for them, the arrivals. Of a single
    setting there is nothing to search: all its steps are measured.
    """

    def plan(
        experiment: Experiment, measured: Sequence[Measurement], failed: Sequence[PlannedTrial]
    ) -> list[PlannedTrial]:
        is_search = experiment.load.search == "adaptive" and len(settings(experiment.settings)) > 1
        closed = adaptive(cores) if is_search else grid
        return closed(experiment, measured, failed) or arrivals(experiment, measured, failed, cores=cores)

    return plan


def adaptive(cores: float | None) -> Planner:
    """Measures what the search asks for, then repeats, in rounds, the steps that decide."""

    def plan(
        experiment: Experiment, measured: Sequence[Measurement], failed: Sequence[PlannedTrial]
    ) -> list[PlannedTrial]:
        # A void step is kept here: measured again it would be void again, and the search would never end.
        steps = [named(step) for step in measured if step.arrival_rate is None]
        background = experiment.workload.background
        lost = {(subject(trial_of(each), background), each.setting) for each in failed}
        once = experiment.load.repeats == 1
        found = explore(experiment, steps, cores=cores, lost=lost, confirming=once)
        done = Counter((step.route, step.setting, step.users) for step in steps)
        if found.batch:
            keys = [(step.route, step.setting, step.users) for step in found.batch]
            return list(in_trials(experiment, keys, done))
        decisive = [key for key in deciding(experiment, steps, cores=cores) if key[:2] not in lost]
        fewest = min((done[key] for key in decisive), default=experiment.load.repeats)
        if fewest >= experiment.load.repeats:
            return []
        keys = [key for key in decisive if done[key] == fewest]
        random.Random(f"{experiment.load.seed} {experiment.name} {fewest}").shuffle(keys)
        return list(in_trials(experiment, keys, done))

    return plan


def deciding(experiment: Experiment, steps: Sequence[Measurement], *, cores: float | None) -> list[Key]:
    """
    The steps the answer rests on: of the settings tied with the best, of the defaults, and of the expectations.

    The defaults are what everything is compared with, and a control: measured in every round, they show a drift.
    """
    background = experiment.workload.background
    keys = [(subject(step, background), step.setting, step.users) for step in required_steps(experiment)]
    controls = always_wanted(experiment)
    for found in recommendations(experiment, steps, cores=cores):
        levels = {each.setting: each.users for each in found.evidence}
        wanted = [*found.ties, *controls[found.route]]
        keys += [(found.route, setting, levels.get(setting, found.best.users)) for setting in wanted]
    return list(dict.fromkeys(keys))


def always_wanted(experiment: Experiment) -> dict[str, list[Setting]]:
    """By subject, the settings measured beside the best: the defaults, and those whose arrivals are expected of."""
    background = experiment.workload.background
    defaults = [one for one in settings(experiment.settings) if one == Setting()]
    wanted = {each: list(defaults) for each in subjects(experiment)}
    for trial in required_arrivals(experiment):
        wanted[subject(trial, background)].append(trial.setting)
    return wanted


def recommendations(
    experiment: Experiment, steps: Sequence[Measurement], *, cores: float | None
) -> Iterator[Recommendation]:
    """What closed-loop steps by subject recommend so far."""
    valid = [step for step in steps if void_reason(step) is None]
    for each in subjects(experiment):
        found = recommend(each, valid, aim=aim(experiment), cores=cores)
        if isinstance(found, Recommendation):
            yield found


def in_trials(experiment: Experiment, keys: Iterable[Key], done: Counter[Key]) -> Iterator[PlannedTrial]:
    """The steps as trials: those of a setting together, which share a host, those of a subject in one load."""
    order = list(dict.fromkeys((setting, done[subject_, setting, users]) for subject_, setting, users in keys))
    named_trials = by_subject(experiment)

    def place(key: Key) -> tuple[int, str, int]:
        return order.index((key[1], done[key])), key[0], key[2]

    for (index, name), group in groupby(sorted(keys, key=place), key=lambda key: place(key)[:2]):
        setting, repeat = order[index]
        trial = named_trials[name, setting]
        phase: Phase = "confirm" if repeat else "capacity"
        yield planned(experiment, trial, users=tuple(key[2] for key in group), repeat=repeat, phase=phase)


def by_subject(experiment: Experiment) -> dict[tuple[str, Setting], Trial]:
    """The trials of one round by subject and setting."""
    background = experiment.workload.background
    return {(subject(trial, background), trial.setting): trial for trial in trials(experiment)}


def arrivals(
    experiment: Experiment, measured: Sequence[Measurement], failed: Sequence[PlannedTrial], *, cores: float | None
) -> list[PlannedTrial]:
    """The open-loop trials that are left: the recommended setting and the controls at shares of what they served."""
    if not experiment.load.arrivals:
        return []
    steps = [named(step) for step in measured if step.arrival_rate is None]
    named_trials = by_subject(experiment)
    controls = always_wanted(experiment)
    chosen = [
        (named_trials[found.route, each.setting], each)
        for found in recommendations(experiment, steps, cores=cores)
        for each in found.evidence
        if each.setting in (found.setting, *controls[found.route])
    ]
    planned_ones: list[PlannedTrial] = []
    for repeat in range(experiment.load.repeats):
        random.Random(f"{experiment.load.seed} {experiment.name} arrivals {repeat}").shuffle(chosen)
        in_order = sorted(chosen, key=lambda pair: [trial.setting for trial, _ in chosen].index(pair[0].setting))
        planned_ones += [open_loop(experiment, trial, each, repeat=repeat) for trial, each in in_order]
    return list(missing(planned_ones, measured, failed))


def open_loop(experiment: Experiment, trial: Trial, served: Evidence, *, repeat: int) -> PlannedTrial:
    """A trial of arrivals at the experiment's shares of what the setting served."""
    connections = min(max(CONNECTIONS_PER_USER * served.users, LEAST_CONNECTIONS), MOST_CONNECTIONS)
    rates = tuple(share * served.throughput for share in experiment.load.arrivals)
    return planned(experiment, trial, users=(connections,), repeat=repeat, phase="arrivals", arrival_rates=rates)


def trial_of(each: PlannedTrial) -> Trial:
    """What was planned, without its load."""
    return Trial(setting=each.setting, route=each.route, background_users=each.background_users)
