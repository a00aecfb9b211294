"""The contents of a report, gathered once: the page, the files for programs and the summary are made from it."""

from collections.abc import Mapping, Sequence

import msgspec

from functune.analysis.cost import Prices
from functune.analysis.findings import Findings, find
from functune.analysis.host_comparison import Beside, beside
from functune.analysis.plan_settings import PlanSettings, plan_settings
from functune.analysis.trust import Trust, trust
from functune.analysis.verdict import Analysis
from functune.measurements import Calibration, Failure, Measurement, Setting


class Elsewhere(msgspec.Struct, frozen=True, kw_only=True):
    """A second run, of the same routes on another server."""

    host: str
    """The server, from its environment.json."""
    measured: tuple[Measurement, ...]


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """One experiment compared with a second run."""

    experiment: str
    host: str
    rows: tuple[Beside, ...]


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a report shows."""

    findings: tuple[Findings, ...]
    trust: Trust
    environment: dict[str, object]
    apply: dict[str, tuple[PlanSettings, ...]]
    """Settings to apply, by experiment name."""
    failures: tuple[Failure, ...]
    compared: tuple[Compared, ...]
    elsewhere: tuple[str, ...]
    """The servers of the second runs, whether or not they measured the same."""
    currency: str

    @property
    def analyses(self) -> list[Analysis]:
        """The analyses the findings come from."""
        return [each.analysis for each in self.findings]


def gather(
    analyses: Sequence[Analysis],
    environment: Mapping[str, object],
    *,
    flex: Sequence[Analysis] | None = None,
    calibrations: Sequence[Calibration] = (),
    failures: Sequence[Failure] = (),
    elsewhere: Sequence[Elsewhere] = (),
) -> Contents:
    """
    The contents of a report. ``flex`` are the analyses for that plan, None where they are the same.

    Raises ValueError when they are not the same and not given.
    """
    flexible = analyses if flex is None else flex
    return Contents(
        findings=tuple(find(each, failed=failed(each, failures)) for each in analyses),
        trust=trust(analyses, calibrations),
        environment=dict(environment),
        apply={
            each.experiment.name: (
                *plan_settings(each, "local"),
                *plan_settings(on_flex, "flex"),
                *plan_settings(each, "premium"),
            )
            for each, on_flex in zip(analyses, flexible, strict=True)
        },
        failures=tuple(failures),
        compared=tuple(
            Compared(experiment=analysis.experiment.name, host=other.host, rows=rows)
            for analysis in analyses
            for other in elsewhere
            if (rows := beside(analysis, other.measured))
        ),
        elsewhere=tuple(other.host for other in elsewhere),
        currency=Prices().currency,
    )


def failed(analysis: Analysis, failures: Sequence[Failure]) -> dict[tuple[str, Setting], str]:
    """The first cause by subject and setting; a failure names only its route, so it is every background load's."""
    found: dict[tuple[str, Setting], str] = {}
    for failure in failures:
        if failure.experiment != analysis.experiment.name:
            continue
        for subject in analysis.subjects:
            if subject == failure.route or subject.startswith(f"{failure.route} beside "):
                found.setdefault((subject, failure.setting), failure.cause)
    return found
