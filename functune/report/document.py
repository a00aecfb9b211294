"""
report.json: the findings of a run for programs, with the advice for every plan and the reliability of the figures.

The page, recommendation.json, junit.xml, the summary and the terminal are made from the same document. Times are in
seconds unless a name says otherwise, throughputs in requests per second. It holds no raw latencies: those are in
measurements.jsonl.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from functune.analysis.experiment import ExperimentFindings, analyse
from functune.analysis.host_comparison import HostComparison, compare_hosts
from functune.analysis.numbers.hot_lines import SubjectProfile, profiled_subjects
from functune.analysis.trust import Trust, trust_of
from functune.experiments.subject import Subject
from functune.plans.advice import PlanAdvice, advice_for_plans
from functune.plans.left_out import LeftOutPlan, left_out_plans
from functune.plans.plan import Asked
from functune.plans.registry import CURRENCY, SCOPES, price_for
from functune.report.json_text import indented_json
from functune.run.environment import Environment
from functune.run.folder import RunFolder
from functune.run.measurement import Failure

REPORT_SCHEMA_VERSION = 2


class ComparedHost(msgspec.Struct, frozen=True, kw_only=True):
    """One experiment compared with a second run."""

    experiment: str
    host: str
    """The server of the second run, as its environment.json names it."""
    rows: tuple[HostComparison, ...]


class ReportDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a report shows."""

    schema_version: Annotated[int, Meta(ge=1)] = REPORT_SCHEMA_VERSION
    """The version of this form, which rises when a key changes its meaning or disappears."""
    currency: str
    """Of all costs, which are per million requests."""
    environment: Environment
    experiments: tuple[ExperimentFindings, ...]
    """The findings of each experiment, in file order."""
    apply: tuple[PlanAdvice, ...]
    """The settings to apply, by experiment and plan."""
    left_out: tuple[LeftOutPlan, ...] = ()
    """The plans that run the host of an experiment and get no settings."""
    trust: Trust
    """On what the reliability of the figures rests."""
    compared: tuple[ComparedHost, ...]
    """The same routes on other servers."""
    elsewhere: tuple[str, ...]
    """The servers of the second runs, including those that measured none of the same routes."""
    failures: tuple[Failure, ...]
    """The trials that could not be measured."""
    profile: tuple[SubjectProfile, ...] = ()
    """Where the time of a call goes, by line of the reader's code; empty where no profile was made."""

    @property
    def passed(self) -> bool:
        """Whether no expectation fails."""
        return all(each.passed for each in self.experiments)

    def advice_for(self, experiment: str) -> tuple[PlanAdvice, ...]:
        """The settings to apply for an experiment."""
        return tuple(each for each in self.apply if each.experiment == experiment)

    def left_out_of(self, experiment: str) -> tuple[LeftOutPlan, ...]:
        """The plans that get no settings from an experiment."""
        return tuple(each for each in self.left_out if each.experiment == experiment)

    def profile_of(self, experiment: str, subject: Subject) -> SubjectProfile | None:
        """The profile of a subject; None where it has none."""
        found = (each for each in self.profile if (each.experiment, each.subject) == (experiment, subject))
        return next(found, None)


def read_document(
    folder: RunFolder, *, others: Sequence[RunFolder] = (), asked: Mapping[str, Asked] = {}
) -> ReportDocument:
    """
    The document of a run, from its run folder alone; ``others`` are runs on other servers to compare with.

    ``asked`` has what the reader asks of a hosting plan, by its name.

    Raises RunFolderError when a file cannot be read or nothing was measured, and UsageError when an objective cannot be
    read.
    """
    profiles = profiled_subjects(folder.profile())
    findings = find_all(folder, profiles)
    return ReportDocument(
        currency=CURRENCY,
        environment=folder.environment,
        experiments=findings,
        apply=tuple(
            advice
            for each in findings
            for advice in advice_for_plans(each, asked, entry=each.experiment.app or folder.environment.app)
        ),
        left_out=tuple(left_out for each in findings for left_out in left_out_plans(each, asked)),
        trust=trust_of(findings, folder.calibrations()),
        compared=tuple(
            ComparedHost(experiment=each.name, host=host_of(other), rows=rows)
            for each in findings
            for other in others
            if (rows := compare_hosts(each, other.require_measurements()))
        ),
        elsewhere=tuple(map(host_of, others)),
        failures=tuple(folder.failures()),
        profile=profiles,
    )


def find_all(folder: RunFolder, profiles: Sequence[SubjectProfile] = ()) -> tuple[ExperimentFindings, ...]:
    """The findings of every experiment of a run, in file order. Raises as ``read_document`` does."""
    measured, failures = folder.require_measurements(), folder.failures()
    return tuple(
        analyse(
            experiment,
            measured,
            cores=folder.environment.machine_cores,
            price=price_for(experiment.priced_memory_mb),
            scopes=SCOPES,
            failures=failures,
            profiles=profiles,
        )
        for experiment in folder.experiments
    )


def host_of(folder: RunFolder) -> str:
    """The server of a run; the folder's name where it is not noted."""
    return folder.environment.host or folder.path.name


def document_json(document: ReportDocument) -> str:
    """The document as JSON, indented for people."""
    return indented_json(document)
