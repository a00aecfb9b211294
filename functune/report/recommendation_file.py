"""recommendation.json: a view of report.json with the recommendations alone."""

import msgspec

from functune.analysis.experiment import ExperimentFindings
from functune.experiments.subject import Subject
from functune.plans.advice import PlanAdvice
from functune.report.document import ReportDocument, indented_json

RECOMMENDATION_SCHEMA_VERSION = 2


def recommendation_json(document: ReportDocument) -> str:
    """The verdicts, settings to set, evidence and outcomes as JSON: one object per experiment."""
    return indented_json(recommendation_document(document))


def recommendation_document(document: ReportDocument) -> dict[str, object]:
    """The same as structs and plain values."""
    return {
        "schema_version": RECOMMENDATION_SCHEMA_VERSION,
        "experiments": [viewed(each, document.advice_for(each.name)) for each in document.experiments],
    }


def viewed(findings: ExperimentFindings, apply: tuple[PlanAdvice, ...]) -> dict[str, object]:
    """One experiment. ``route`` and ``routes`` are subjects in words."""
    return {
        "name": findings.name,
        "question": findings.experiment.question,
        "verdict": findings.verdict,
        "warnings": findings.warnings,
        "measured_steps": len(findings.levels),
        "planned_steps": findings.planned,
        "advice": [with_routes(each, each.subjects) for each in findings.advice],
        "apply": [with_routes(each, each.subjects) for each in apply],
        "demands": {str(each.subject): each.demand for each in findings.subjects if each.demand is not None},
        "recommendations": [{"route": str(each.subject)} | plain(each) for each in findings.recommendations],
        "limits": findings.limits,
        "expectations": findings.outcomes,
    }


def with_routes(struct: msgspec.Struct, subjects: tuple[Subject, ...]) -> dict[str, object]:
    """A struct with its subjects in words."""
    return {"routes": [str(subject) for subject in subjects]} | plain(struct)


def plain(struct: msgspec.Struct) -> dict[str, object]:
    """A struct as a dictionary of plain values."""
    found: dict[str, object] = msgspec.to_builtins(struct)
    return found
