"""
Run folders of schema version 2.

They lack the share of arrivals, the background load of failures, and the times that only the host can take.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from functune.experiments.model import Experiment
from functune.experiments.planned import planned_subjects
from functune.experiments.subject import Subject
from functune.run.measurement import SCHEMA_VERSION, Failure, Measurement
from functune.setting import Setting

VERSION = 2


class Routed(msgspec.Struct, frozen=True, kw_only=True):
    """The fields that a subject has taken the place of, and the one that names the experiment."""

    experiment: str
    route: str
    background: str | None = None
    background_users: int = 0


def measurement_from_version2(line: bytes) -> Measurement:
    """The measurement of one line, without the share of its arrivals. Raises msgspec.DecodeError."""
    routed = msgspec.json.decode(line, type=Routed)
    subject = Subject(route=routed.route, background=routed.background, background_users=routed.background_users)
    record = kept(line, subject)
    record["wait_times_us"] = record.pop("queued_us", None)  # a missing field is an error of the line, as any other
    return msgspec.convert({**record, "schema_version": SCHEMA_VERSION}, Measurement)


def kept(line: bytes, subject: Subject) -> dict[str, Any]:
    """The fields of a line that are the same in both versions, and the subject."""
    record: dict[str, Any] = msgspec.json.decode(line, type=dict[str, Any])
    same = {name: value for name, value in record.items() if name not in ("route", "background", "background_users")}
    return same | {"subject": msgspec.to_builtins(subject)}


def with_shares(measured: Sequence[Measurement], asked: Iterable[Experiment]) -> list[Measurement]:
    """
    The measurements with the shares of their arrivals.

    The share is the planned one that is nearest to the arrival rate over the capacity. Arrivals of an experiment that
    is not in the run's file keep none.
    """
    shares = {experiment.name: experiment.load.arrivals for experiment in asked}
    capacity = capacities(measured)

    def share(step: Measurement, rate: float) -> float | None:
        most = capacity.get((step.experiment, step.subject, step.setting), rate)
        return min(shares.get(step.experiment, ()), key=lambda share: abs(share * most - rate), default=None)

    return [
        step if (rate := step.arrival_rate) is None else msgspec.structs.replace(step, share=share(step, rate))
        for step in measured
    ]


def capacities(measured: Iterable[Measurement]) -> dict[tuple[str, Subject, Setting], float]:
    """The most throughput of the closed loop, by experiment, subject and setting; repeats of a step count together."""
    served: dict[tuple[str, Subject, Setting, int], tuple[int, float]] = {}
    for step in measured:
        if step.arrival_rate is None:
            key = (step.experiment, step.subject, step.setting, step.users)
            requests, seconds = served.get(key, (0, 0.0))
            served[key] = requests + len(step.latencies_us), seconds + step.duration
    most: dict[tuple[str, Subject, Setting], float] = {}
    for (experiment, subject, setting, _), (requests, seconds) in served.items():
        most[experiment, subject, setting] = max(most.get((experiment, subject, setting), 0.0), requests / seconds)
    return most


def failures_from_version2(line: bytes, asked: Iterable[Experiment]) -> list[Failure]:
    """
    The failure of one line, for every background load of its route: the line does not say which one failed.

    Raises msgspec.DecodeError.
    """
    routed = msgspec.json.decode(line, type=Routed)
    return [
        msgspec.convert(kept(line, subject), Failure)
        for experiment in asked
        if experiment.name == routed.experiment
        for subject in planned_subjects(experiment)
        if subject.route == routed.route
    ]
