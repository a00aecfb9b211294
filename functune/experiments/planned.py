"""The plan of an experiment: its settings, trials and steps in a fixed order, and the steps it must measure."""

from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

import msgspec

from functune.experiments.model import Experiment, Matrix, Where, Workload
from functune.experiments.requests import JOURNEY, MIX, RequestTemplate
from functune.experiments.subject import Subject
from functune.formatting import percent
from functune.setting import KNOBS, Setting
from functune.web_servers import LACKING_KNOBS


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """One setting measured once on one subject: a step for every number of users of the experiment's load."""

    setting: Setting
    subject: Subject


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One closed-loop step, without its repeats."""

    setting: Setting
    subject: Subject
    users: int


def planned_settings(matrix: Matrix) -> list[Setting]:
    """
    Every combination of the matrix; the last knob of the table varies fastest.

    Combinations that differ only in knobs that their host lacks are one.
    """
    lists = [[knob.read(value) for value in getattr(matrix, knob.name)] or [None] for knob in KNOBS]
    names = [knob.name for knob in KNOBS]
    combined = (Setting(**dict(zip(names, values, strict=True))) for values in product(*lists))
    return list(dict.fromkeys(setting.on_its_host for setting in combined))


def left_out_in_words(matrix: Matrix) -> list[str]:
    """The knobs that have a value and that a host of the matrix lacks, a sentence for each host."""
    given = [knob.name for knob in KNOBS if any(knob.read(value) is not None for value in getattr(matrix, knob.name))]
    lacking = {host: [name for name in given if name in LACKING_KNOBS.get(host, ())] for host in matrix.host}
    return [
        f"{host} has no {' and no '.join(names)}: its settings leave {'it' if len(names) == 1 else 'them'} unset."
        for host, names in lacking.items()
        if names
    ]


def planned_subjects(experiment: Experiment) -> tuple[Subject, ...]:
    """The subjects of an experiment in file order: each background load with each request, requests varying fastest."""
    workload = experiment.workload
    return tuple(
        Subject(route=route, background=workload.background if users else None, background_users=users, request=name)
        for users in workload.background_users
        for route, name in requested(workload)
    )


def requested(workload: Workload) -> list[tuple[str, str | None]]:
    """The requests of each subject as shown, and their name; the mix first."""
    if workload.locustfile is not None:
        return [(Path(workload.locustfile).name, JOURNEY)]
    single: list[tuple[str, str | None]] = [(str(each), each.name) for each in workload.requests]
    if len(single) < 2:
        return single or [(route, None) for route in workload.routes]
    return [(mix_in_words(workload.requests), MIX), *(single if workload.alone else [])]


def mix_in_words(requests: Sequence[RequestTemplate]) -> str:
    """``mix of order (75 %), list (25 %)``."""
    total = sum(each.weight for each in requests)
    return "mix of " + ", ".join(f"{each.name} ({percent(each.weight / total)})" for each in requests)


def templates_of(experiment: Experiment, subject: Subject) -> tuple[RequestTemplate, ...]:
    """The requests that a subject sends; none for a plain route and for the users of a Locust file."""
    return tuple(each for each in experiment.workload.requests if subject.request in (MIX, each.name))


def planned_trials(experiment: Experiment) -> Iterator[Trial]:
    """The trials of one round, by setting and subject: all subjects of a setting share one host."""
    for setting in planned_settings(experiment.settings):
        for subject in planned_subjects(experiment):
            yield Trial(setting=setting, subject=subject)


def planned_steps(experiment: Experiment) -> Iterator[Step]:
    """The closed-loop steps of one round, in the order of the trials."""
    for trial in planned_trials(experiment):
        for users in experiment.load.users:
            yield Step(setting=trial.setting, subject=trial.subject, users=users)


def required_steps(experiment: Experiment) -> list[Step]:
    """
    The closed-loop steps that its expectations select, which every search has to measure.

    For arrivals these are all numbers of users, since they show the capacity that a share refers to.
    """
    selections = selections_of(experiment)
    return [step for step in planned_steps(experiment) if any(selects_step(where, step) for where in selections)]


def required_arrivals(experiment: Experiment) -> list[Trial]:
    """The trials whose arrivals its expectations select."""
    opened = [where for where in selections_of(experiment) if where.arrivals is not None]
    return [trial for trial in planned_trials(experiment) if any(where.selects(trial) for where in opened)]


def selections_of(experiment: Experiment) -> list[Where]:
    """Every selection of steps in its expectations."""
    return [where for each in experiment.expect for where in (each.where, each.over) if where is not None]


def selects_step(where: Where, step: Step) -> bool:
    """Whether the selection matches the step, its number of users included."""
    return where.selects(step) and where.users in (None, step.users)


def require_single_steps(experiment: Experiment) -> None:
    """Raise ValueError, naming the key, unless every selection of the expectations matches exactly one planned step."""
    for index, expectation in enumerate(experiment.expect):
        require_single_step(experiment, f"expect[{index}].where", expectation.where)
        if expectation.over is not None:
            require_single_step(experiment, f"expect[{index}].over", expectation.over)


def require_single_step(experiment: Experiment, key: str, where: Where) -> None:
    """Raise ValueError unless ``where`` selects exactly one of the planned steps."""
    if where.arrivals is None:
        count = sum(selects_step(where, step) for step in planned_steps(experiment))
    else:
        require_share(experiment, key, where)
        count = sum(map(where.selects, planned_trials(experiment)))
    if count != 1:
        raise ValueError(
            f"{key} is {{{where}}}: it selects {count} planned steps, allowed is exactly one of {choices(experiment)}"
        )


def require_share(experiment: Experiment, key: str, where: Where) -> None:
    """Raise ValueError unless the load has the share of the capacity that ``where`` names, and no users are named."""
    if where.arrivals not in experiment.load.arrivals:
        planned = list(experiment.load.arrivals)
        raise ValueError(f"{key}.arrivals is {where.arrivals:g}: allowed is one of load.arrivals, {planned}")
    if where.users is not None:
        raise ValueError(f"{key}.users is {where.users} together with arrivals: omit it, arrivals need no users")


def choices(experiment: Experiment) -> str:
    """The lists that distinguish planned steps; a list of one value selects nothing and is omitted."""
    workload = experiment.workload
    lists = {knob.name: getattr(experiment.settings, knob.name) for knob in KNOBS}
    lists |= {"users": experiment.load.users, "route": [route for route, _ in requested(workload)]}
    lists |= {"background_users": workload.background_users} if workload.background else {}
    always = {"thread_count", "process_count", "users", "route"}
    return ", ".join(f"{name} {list(values)}" for name, values in lists.items() if name in always or len(values) > 1)
