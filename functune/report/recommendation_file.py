"""recommendation.json: a view of report.json with the recommendations alone."""

from typing import Any

import msgspec

from functune.analysis.checks.expectations import Outcome
from functune.analysis.experiment import ExperimentFindings
from functune.analysis.laws.bounds import Demand
from functune.analysis.verdict.advice import Advice
from functune.analysis.verdict.limit import Limit
from functune.analysis.verdict.recommendation import Recommendation
from functune.experiments.subject import Subject
from functune.plans.advice import PlanAdvice
from functune.report.document import ReportDocument
from functune.report.json_text import indented_json

RECOMMENDATION_SCHEMA_VERSION = 2


class RoutedAdvice(Advice, frozen=True, kw_only=True):
    """A setting to use, and the subjects it is for, also in words."""

    routes: tuple[str, ...]
    """The subjects in words."""


class RoutedPlanAdvice(PlanAdvice, frozen=True, kw_only=True):
    """The setting to use on one plan, and the subjects it is for, also in words."""

    routes: tuple[str, ...]
    """The subjects in words."""


class RoutedRecommendation(Recommendation, frozen=True, kw_only=True):
    """The setting to use for one subject, which it has also in words."""

    route: str
    """The subject in words."""


class RecommendedExperiment(msgspec.Struct, frozen=True, kw_only=True):
    """The recommendations of one experiment."""

    name: str
    """The name of the experiment."""
    question: str
    """Its question."""
    verdict: str
    """The answer, in one or two sentences."""
    warnings: tuple[str, ...]
    """Circumstances that make the figures doubtful."""
    measured_steps: int
    """Closed-loop steps that count."""
    planned_steps: int
    """Steps of the experiment's grid."""
    advice: tuple[RoutedAdvice, ...]
    """The settings to use: one for all subjects, or one for each; none where there was nothing to choose."""
    apply: tuple[RoutedPlanAdvice, ...]
    """The settings to use on each hosting plan, in its own names and forms."""
    demands: dict[str, Demand]
    """The time that one request needs, by the subject in words."""
    recommendations: tuple[RoutedRecommendation, ...]
    """The setting for each subject, with the reason and the evidence."""
    limits: dict[str, Limit]
    """The limit of each subject, by the subject in words."""
    expectations: tuple[Outcome, ...]
    """The expectations, checked."""


class RecommendationDocument(msgspec.Struct, frozen=True, kw_only=True):
    """recommendation.json: the settings to use and the reasons, without the figures of every step."""

    schema_version: int = RECOMMENDATION_SCHEMA_VERSION
    """The version of this form, which rises when a key changes its meaning or disappears."""
    experiments: tuple[RecommendedExperiment, ...]
    """One for each experiment of the run, in file order."""


def recommendation_json(document: ReportDocument) -> str:
    """The verdicts, settings to set, evidence and outcomes as JSON."""
    return indented_json(recommendation_document(document))


def recommendation_document(document: ReportDocument) -> RecommendationDocument:
    """The verdicts, settings to set, evidence and outcomes of a run."""
    return RecommendationDocument(
        experiments=tuple(viewed(each, document.advice_for(each.name)) for each in document.experiments)
    )


def viewed(findings: ExperimentFindings, apply: tuple[PlanAdvice, ...]) -> RecommendedExperiment:
    """One experiment."""
    return RecommendedExperiment(
        name=findings.name,
        question=findings.experiment.question,
        verdict=findings.verdict,
        warnings=findings.warnings,
        measured_steps=len(findings.levels),
        planned_steps=findings.planned,
        advice=tuple(
            RoutedAdvice(**fields_of(each), routes=subjects_in_words(each.subjects)) for each in findings.advice
        ),
        apply=tuple(RoutedPlanAdvice(**fields_of(each), routes=subjects_in_words(each.subjects)) for each in apply),
        demands={str(each.subject): each.demand for each in findings.subjects if each.demand is not None},
        recommendations=tuple(
            RoutedRecommendation(**fields_of(each), route=str(each.subject)) for each in findings.recommendations
        ),
        limits=findings.limits,
        expectations=findings.outcomes,
    )


def subjects_in_words(subjects: tuple[Subject, ...]) -> tuple[str, ...]:
    """Subjects in words."""
    return tuple(map(str, subjects))


def fields_of(struct: msgspec.Struct) -> dict[str, Any]:
    """The fields of a struct, for one with more of them."""
    return msgspec.structs.asdict(struct)
