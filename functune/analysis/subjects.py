"""What is compared between settings: a route, or a route beside a load on another."""

import msgspec

from functune.analysis.formatting import plural
from functune.experiments import Experiment, Step, Trial, trials
from functune.measurements import Measurement


def subjects(experiment: Experiment) -> tuple[str, ...]:
    """The subjects of an experiment, in file order."""
    return tuple(dict.fromkeys(subject(trial, experiment.workload.background) for trial in trials(experiment)))


def subject(of: Trial | Step | Measurement, background: str | None) -> str:
    """The subject of a trial or step: its route, and what else is called meanwhile, if anything."""
    if not of.background_users:
        return of.route
    return f"{of.route} beside {plural(of.background_users, 'user')} of {background}"


def named(step: Measurement) -> Measurement:
    """The step with its subject as its route."""
    return msgspec.structs.replace(step, route=subject(step, step.background))
