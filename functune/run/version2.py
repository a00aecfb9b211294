"""Run folders of schema version 2, which lack the share of arrivals and the background load of failures."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from functune.experiments.model import Experiment
from functune.experiments.planned import planned_subjects
from functune.experiments.subject import Subject
from functune.run.measurement import SCHEMA_VERSION, Failure, Measurement
from functune.setting import Setting

VERSION = 2


def measurement_from_version2(line: bytes) -> Measurement:
    """The measurement of one line, without the share of its arrivals. Raises msgspec.DecodeError."""
    record: dict[str, Any] = msgspec.json.decode(line, type=dict[str, Any])
    return msgspec.convert({**with_subject(record), "schema_version": SCHEMA_VERSION}, Measurement)


def with_subject(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record with route and background load as a subject."""
    rest = dict(record)
    subject = {"route": rest.pop("route"), "background_users": rest.pop("background_users", 0)}
    background = rest.pop("background", None)
    return rest | {"subject": subject | ({"background": background} if background else {})}


def with_shares(measured: Sequence[Measurement], asked: Iterable[Experiment]) -> list[Measurement]:
    """
    The measurements with the shares of their arrivals.

    The share is the planned one that is nearest to the arrival rate over the capacity, which is the most throughput
    that the closed loop measured for the same setting and subject.
    """
    shares = {experiment.name: experiment.load.arrivals for experiment in asked}
    capacity: dict[tuple[str, Subject, Setting], float] = {}
    for step in measured:
        if step.arrival_rate is None:
            key = (step.experiment, step.subject, step.setting)
            capacity[key] = max(capacity.get(key, 0.0), step.throughput)

    def share(step: Measurement, rate: float) -> float:
        most = capacity.get((step.experiment, step.subject, step.setting), rate)
        return min(shares[step.experiment], key=lambda share: abs(share * most - rate))

    return [
        step if (rate := step.arrival_rate) is None else msgspec.structs.replace(step, share=share(step, rate))
        for step in measured
    ]


def failures_from_version2(line: bytes, asked: Iterable[Experiment]) -> list[Failure]:
    """The failure of one line, for every background load of its route: the line does not say which one failed."""
    record: dict[str, Any] = msgspec.json.decode(line, type=dict[str, Any])
    route = record.pop("route")
    subjects = [
        subject
        for experiment in asked
        if experiment.name == record["experiment"]
        for subject in planned_subjects(experiment)
        if subject.route == route
    ]
    return [msgspec.convert({**record, "subject": msgspec.to_builtins(subject)}, Failure) for subject in subjects]
