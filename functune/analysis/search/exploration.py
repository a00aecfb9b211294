"""
The adaptive search of an experiment: subject by subject and scope by scope, with the steps its expectations need.

A scope is a set of settings among which a best one is wanted: all settings of the matrix, and those that each hosting
plan allows. Every scope has a search of its own over the same levels, so the best setting of a plan is found even where
settings that the plan does not allow are faster. The settings that fit the memory of an instance are a scope where
some do not. Each instance size is searched for itself too: the best setting of every size is wanted, and the times of
one do not bound another.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from functune.analysis.numbers.levels import Level
from functune.analysis.numbers.memory import settings_too_large
from functune.analysis.search.adaptive import NextStep, SearchPlan, next_batch
from functune.analysis.search.objective import parse_objective
from functune.analysis.search.skipped import Skipped
from functune.experiments.model import Experiment
from functune.experiments.planned import planned_settings, planned_subjects, required_steps
from functune.experiments.subject import Subject
from functune.setting import Setting

type Scope = Callable[[Setting], bool]
"""Whether a setting belongs to the scope."""


def explore(
    experiment: Experiment,
    measured: Iterable[Level],
    *,
    cores: float | None,
    scopes: Sequence[Scope] = (),
    lost: Collection[tuple[Subject, Setting]] = (),
    confirming: bool = False,
) -> SearchPlan:
    """
    The next steps of the search, and the settings it skips, for all subjects.

    ``scopes`` come in addition to that of all settings. ``lost`` are settings of subjects that could not be measured.
    Raises UsageError when the objective cannot be read.
    """
    levels = list(measured)
    batch: dict[tuple[Subject, Setting, int], NextStep] = {}
    skipped: list[Skipped] = []
    for subject in planned_subjects(experiment):
        left = [one for one in planned_settings(experiment.settings) if (subject, one) not in lost]
        own_scopes = [*scopes, *fitting_scopes(experiment, subject, levels)]
        plans = [
            scoped_plan(experiment, subject, settings, levels, cores=cores, confirming=confirming)
            for settings in scoped(left, own_scopes)
        ]
        for plan in plans:
            for step in plan.batch:
                batch.setdefault((subject, step.setting, step.users), step)
        skipped += skipped_by_all(plans, left, own_scopes)
    return SearchPlan(batch=tuple(batch.values()), skipped=tuple(skipped))


def fitting_scopes(experiment: Experiment, subject: Subject, levels: Iterable[Level]) -> list[Scope]:
    """The scope of the settings that fit the memory of an instance, as far as is known; none where all of them do."""
    own = [level for level in levels if level.subject == subject and level.counts]
    large = settings_too_large(own, experiment.memory_mb)
    return [lambda setting: setting not in large] if large else []


def scoped(settings: Sequence[Setting], scopes: Sequence[Scope]) -> list[tuple[Setting, ...]]:
    """The settings of each instance size in each scope, all first; scopes that agree once, and none that is empty."""
    sizes = dict.fromkeys(setting.instance for setting in settings)
    every = [
        tuple(one for one in settings if one.instance == size and scope(one))
        for size in sizes
        for scope in (every_setting, *scopes)
    ]
    return [several for several in dict.fromkeys(every) if several]


def every_setting(setting: Setting) -> bool:
    """The scope of all settings."""
    return True


def scoped_plan(
    experiment: Experiment,
    subject: Subject,
    settings: Sequence[Setting],
    levels: Sequence[Level],
    *,
    cores: float | None,
    confirming: bool,
) -> SearchPlan:
    """The search among some settings for one subject."""
    required = [
        (step.setting, step.users)
        for step in required_steps(experiment)
        if step.subject == subject and step.setting in settings
    ]
    # The search starts with this step anyway: asked for here it shares a host with the others.
    alone = (min(settings, key=lambda one: one.simplicity), 1)
    if experiment.baseline is not None:  # every answer is compared with it, also that of a search cut short
        required += [(one, experiment.load.users[-1]) for one in settings if one == experiment.compared_with]
    return next_batch(
        settings,
        experiment.load.users,
        subject,
        levels,
        objective=parse_objective(experiment.objective) if experiment.objective else None,
        required=[alone, *required],
        cores=cores,
        confirming=confirming,
        baseline=experiment.compared_with,
    )


def skipped_by_all(
    plans: Sequence[SearchPlan], settings: Sequence[Setting], scopes: Sequence[Scope]
) -> Iterator[Skipped]:
    """The settings that no search among those they belong to wants to measure further, with the first reason."""
    members = scoped(settings, scopes)
    for setting in settings:
        found = [
            next((each for each in plan.skipped if each.setting == setting), None)
            for plan, among in zip(plans, members, strict=True)
            if setting in among
        ]
        if found and (first := found[0]) is not None and None not in found:
            yield first
