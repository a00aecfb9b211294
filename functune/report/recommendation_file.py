"""recommendation.json: the recommendation for programs. Times are in seconds, throughputs in requests per second."""

import msgspec

from functune.report.contents import Contents
from functune.report.settings_files import TEMPLATES, bicepparam, commands, local_settings

RECOMMENDATION_SCHEMA_VERSION = 1


def recommendation_json(contents: Contents) -> str:
    """The verdicts, settings to set, evidence and outcomes as JSON: one object per experiment."""
    document = {
        "schema_version": RECOMMENDATION_SCHEMA_VERSION,
        "experiments": [
            {
                "name": analysis.experiment.name,
                "question": analysis.experiment.question,
                "verdict": analysis.verdict,
                "warnings": analysis.warnings,
                "measured_steps": len(analysis.measurements),
                "planned_steps": analysis.planned,
                "advice": analysis.advice,
                "apply": [
                    {
                        **msgspec.structs.asdict(each),
                        "local_settings": local_settings(each) if each.plan == "local" else None,
                        "bicepparam": bicepparam(each) if each.plan in TEMPLATES else None,
                        "commands": commands(each) if each.plan in TEMPLATES else None,
                    }
                    for each in contents.apply.get(analysis.experiment.name, ())
                ],
                "demands": analysis.demands,
                "recommendations": analysis.recommendations,
                "expectations": analysis.outcomes,
            }
            for analysis in contents.analyses
        ],
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"
