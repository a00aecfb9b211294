"""An experiment on an app on Azure: what it does not list stays as the app has it."""

from typing import Any

import msgspec

from functune.errors import UsageError
from functune.experiments.model import Baseline, Experiment
from functune.setting import Setting
from functune.shapes import InstanceShape

LEFT_AS_IT_IS = {
    "instance": ("unset",),
    "thread_count": ("unset",),
    "per_instance_concurrency": ("unset",),
    "process_count": (1,),
}
"""The lists of an experiment that names no value of a knob."""


def on_live_app(experiment: Experiment, present: Setting) -> Experiment:
    """
    The experiment with the present values of the app for the knobs that it does not list.

    The verdict compares with the present setting, unless the experiment says otherwise. Raises UsageError for hosts.
    """
    if experiment.settings.host:
        raise UsageError(
            f"{experiment.name}: settings.host lists {', '.join(experiment.settings.host)}: on Azure there is one "
            "host; omit it"
        )
    now: dict[str, Any] = {name: as_listed(getattr(present, name)) for name in LEFT_AS_IT_IS}
    unlisted = {
        name: (now[name],) for name, default in LEFT_AS_IT_IS.items() if getattr(experiment.settings, name) == default
    }
    return msgspec.structs.replace(
        experiment,
        settings=msgspec.structs.replace(experiment.settings, **unlisted),
        baseline=experiment.baseline or Baseline(**now),
    )


def as_listed(value: int | InstanceShape | None) -> int | str:
    """A value as an experiment file has it."""
    if isinstance(value, InstanceShape):
        return value.name
    return "unset" if value is None else value
