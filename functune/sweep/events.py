"""The events that a sweep reports while it runs."""

from dataclasses import dataclass
from pathlib import Path

from functune.run.measurement import Measurement
from functune.sweep.trials import PlannedTrial


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeLeft:
    """The time until the end of a sweep."""

    seconds: float
    at_most: bool
    """Whether it is an upper bound: a search skips the steps that cannot change the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepStarted:
    """The first event: the steps that are planned."""

    steps: int
    """Steps to measure, at most this many where ``left.at_most`` is true."""
    left: TimeLeft
    measured: int = 0
    """Steps that an earlier part of the run has measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialStarted:
    """A host is up, and its load starts."""

    trial: PlannedTrial
    left: TimeLeft


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFinished:
    """A measurement was written."""

    trial: PlannedTrial
    measurement: Measurement
    left: TimeLeft


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialFailed:
    """A trial could not be measured, or only in part; the sweep goes on."""

    trial: PlannedTrial
    cause: str
    is_known: bool
    """Whether an earlier trial failed for the same cause."""
    is_unfit: bool = False
    """Whether it does not fit the memory of its instance, which is a result."""
    left: TimeLeft


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepFinished:
    """The last event."""

    folder: Path
    steps: int
    failures: int
    unfit: int = 0
    """Trials that do not fit the memory of their instance."""
    routes: tuple[str, ...]
    """The routes of the app, such as ``GET /api/health``; empty where no step failed or the host does not list them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppChanged:
    """An app that runs elsewhere was changed or restored, in words."""

    text: str


type Event = AppChanged | SweepStarted | TrialStarted | StepFinished | TrialFailed | SweepFinished
