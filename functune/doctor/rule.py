"""The shape of a rule, and of what it sees."""

from collections.abc import Callable, Iterable, Iterator
from typing import Literal

import msgspec

from functune.doctor.finding import Finding, Severity
from functune.doctor.reading.inspected import InspectedApp

type Family = Literal[
    "code", "blocking", "clients", "concurrency", "host.json", "requirements", "settings", "app-service", "measured"
]
type Needs = Literal[
    "the files",
    "--for",
    "--plan app-service",
    "--run",
    "--measure",
    "--memory or --tier, with --run or --measure",
]


class RuleCase(msgspec.Struct, frozen=True, kw_only=True):
    """One case of a rule in an app."""

    seen: str
    """What is there, as a sentence with the names and figures of the case."""
    file: str | None = None
    line: int | None = None
    remedy: str = ""
    """The remedy of this case, where it is more exact than that of the rule."""
    severity: Severity | None = None
    """The severity of this case, where it differs from that of the rule."""


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that the doctor looks for."""

    id: str
    family: Family
    severity: Severity
    looks_for: str
    """A noun phrase."""
    why: str
    """Sentences: why it matters."""
    remedy: str
    """A sentence in the imperative."""
    needs: Needs = "the files"
    """What it looks at."""
    check: Callable[[InspectedApp], Iterable[RuleCase]]

    def findings(self, app: InspectedApp) -> Iterator[Finding]:
        """What the rule finds in an app."""
        yield from map(self.finding, self.check(app))

    def finding(self, case: RuleCase) -> Finding:
        """One case as a finding."""
        return Finding(
            rule=self.id,
            severity=case.severity or self.severity,
            file=case.file,
            line=case.line,
            seen=case.seen,
            why=self.why,
            remedy=case.remedy or self.remedy,
        )
