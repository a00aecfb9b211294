"""recommendation.json: the recommendation for programs. Times are in seconds, throughputs in requests per second."""

from collections.abc import Sequence

import msgspec

from functune.analysis.verdict import Analysis

SCHEMA_VERSION = 1


def recommendation_json(analyses: Sequence[Analysis]) -> str:
    """The verdicts, settings to set, evidence and outcomes as JSON: one object per experiment."""
    document = {
        "schema_version": SCHEMA_VERSION,
        "experiments": [
            {
                "name": analysis.experiment.name,
                "question": analysis.experiment.question,
                "verdict": analysis.verdict,
                "warnings": analysis.warnings,
                "measured_steps": len(analysis.measurements),
                "planned_steps": analysis.planned,
                "advice": analysis.advice,
                "demands": analysis.demands,
                "recommendations": analysis.recommendations,
                "expectations": analysis.outcomes,
            }
            for analysis in analyses
        ],
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"
