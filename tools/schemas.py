"""
Writes docs/schema/: the JSON Schemas of the files that functune reads and writes for programs.

    python -m tools.schemas
"""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from functune.capacity.capacity_plan import CapacityPlan
from functune.experiments.schema import EXPERIMENT_SCHEMA, experiment_schema
from functune.json_schema import described_schema, schema_text
from functune.report.document import ReportDocument
from functune.report.recommendation_file import RecommendationDocument

FOLDER = Path("docs/schema")
DRAFT = "https://json-schema.org/draft/2020-12/schema"
DOCUMENTS: Mapping[str, type[msgspec.Struct]] = {
    "report.schema.json": ReportDocument,
    "recommendation.schema.json": RecommendationDocument,
    "plan.schema.json": CapacityPlan,
}


def document_schema(file: str) -> str:
    """The schema of a document that functune writes, by the name of the schema's file."""
    return schema_text({"$schema": DRAFT, "$id": file} | described_schema(DOCUMENTS[file]))


def schemas() -> dict[str, str]:
    """The text of every schema, by the name of its file."""
    return {EXPERIMENT_SCHEMA: experiment_schema()} | {file: document_schema(file) for file in DOCUMENTS}


if __name__ == "__main__":
    for name, text in schemas().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
