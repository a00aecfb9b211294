"""What the doctor says: findings, their severities, and a diagnosis of one app."""

from collections.abc import Iterable
from typing import Literal

import msgspec

from functune.app_service.startup import StartDecision

type Severity = Literal["error", "warning", "note"]

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
"""The worst first."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One fault at one place, or in one figure."""

    rule: str
    """The id of its rule."""
    severity: Severity
    file: str | None
    """Relative to the app's folder; None for a figure that points to no file."""
    line: int | None
    seen: str
    why: str
    remedy: str
    source: str = "functune"
    """The program whose rule it is."""

    @property
    def place(self) -> str:
        """``file:line``, or as much of it as is known."""
        return file_and_line(self.file, self.line)


def file_and_line(file: str | None, line: int | None) -> str:
    """``file:line``, or as much of it as is known."""
    return ":".join(str(part) for part in (file, line) if part is not None)


class StartFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What a start of the app on the local host showed."""

    import_seconds: float
    """Import of the app's file in a fresh interpreter."""
    imports: tuple[tuple[str, float], ...]
    """The imports that take the longest, in seconds, the longest first; those inside them are included in each."""
    worker_mb: float
    """Memory of one idle worker process that has imported the app: the largest, where there are several."""
    process_count: int


class AppServiceFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What App Service starts, and on which instance."""

    python: str
    """Major and minor version, such as ``3.13``."""
    python_said_by: str
    """The file or flag that names it."""
    tier: str
    cores: int
    memory_mb: int
    start: StartDecision
    workers: str
    """How many requests the workers serve at a time, as a sentence."""


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the doctor says about one app."""

    schema_version: int = 1
    app: str
    """The name of its folder."""
    plan: str | None
    memory_mb: int | None
    findings: tuple[Finding, ...]
    """The worst first, then by place."""
    checked: tuple[str, ...]
    """The ids of the rules that were applied."""
    notes: tuple[str, ...] = ()
    """What was not looked at, and why."""
    start: StartFigures | None = None
    app_service: AppServiceFigures | None = None
    """For the plan app-service."""

    def at_least(self, severity: Severity) -> list[Finding]:
        """The findings of this severity or worse."""
        return [each for each in self.findings if is_at_least(each.severity, severity)]


def is_at_least(severity: Severity, threshold: Severity) -> bool:
    """Whether a severity is the threshold or worse."""
    return SEVERITIES.index(severity) <= SEVERITIES.index(threshold)


def sorted_findings(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings without duplicates, the worst first, then by place."""
    return tuple(
        sorted(
            dict.fromkeys(findings),
            key=lambda each: (SEVERITIES.index(each.severity), each.file or "", each.line or 0, each.rule, each.seen),
        )
    )
