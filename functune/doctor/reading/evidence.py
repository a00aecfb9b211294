"""What a run says about the code of an app, as the rules read it; without the analysis, whose import takes long."""

from typing import Literal

import msgspec


class LimitCase(msgspec.Struct, frozen=True, kw_only=True):
    """The limit of one subject."""

    subject: str
    kind: str
    """As in report.json."""
    file: str | None
    line: int | None
    state: Literal["waits", "computes", "unknown"]
    """What the line does."""
    seen: str
    """The figures and the line as a phrase."""
    at_once: float | None
    """The most calls that one worker process served at a time: throughput times the time of a call alone."""


class WorkerMemory(msgspec.Struct, frozen=True, kw_only=True):
    """The highest memory of a worker process, and the setting that it was measured with."""

    worker_mb: float
    setting: str


class RunEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """The evidence of one run."""

    limits: tuple[LimitCase, ...]
    memory: WorkerMemory | None
    notes: tuple[str, ...] = ()
    """Why its lines may not be those of the app."""
