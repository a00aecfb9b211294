"""The adaptive search of an experiment: subject by subject, with what its expectations need in any case."""

from collections.abc import Collection, Iterable
from itertools import chain

from functune.analysis.objective import parse
from functune.analysis.search import Plan, next_batch
from functune.analysis.strategies import simplicity
from functune.analysis.subjects import subject, subjects
from functune.experiments import Experiment, required_steps, settings
from functune.measurements import Measurement, Setting


def explore(
    experiment: Experiment,
    measured: Iterable[Measurement],
    *,
    cores: float | None,
    lost: Collection[tuple[str, Setting]] = (),
    confirming: bool = False,
) -> Plan:
    """
    The next steps of the search and what it leaves out, for all subjects; ``route`` in it is the subject.

    ``measured`` are closed-loop steps by subject, in the order of measuring. ``lost`` are settings of subjects that
    could not be measured. Raises UsageError when the objective cannot be read.
    """
    steps = list(measured)
    background = experiment.workload.background
    plans = []
    for each in subjects(experiment):
        left = [one for one in settings(experiment.settings) if (each, one) not in lost]
        if not left:
            continue
        wanted = [
            (each, step.setting, step.users)
            for step in required_steps(experiment)
            if subject(step, background) == each and step.setting in left
        ]
        # What the search starts with anyway: asked for here it shares a host with the others.
        alone = (each, min(left, key=simplicity), 1)
        plans.append(
            next_batch(
                left,
                experiment.load.users,
                [each],
                steps,
                objective=parse(experiment.objective) if experiment.objective else None,
                required=[alone, *wanted],
                cores=cores,
                confirming=confirming,
            )
        )
    return Plan(
        batch=tuple(chain.from_iterable(plan.batch for plan in plans)),
        skipped=tuple(chain.from_iterable(plan.skipped for plan in plans)),
    )
