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


SCHEMA_FILES = (EXPERIMENT_SCHEMA, *DOCUMENTS)


def schema_of(file: str) -> str:
    """The text of a schema by the name of its file."""
    return experiment_schema() if file == EXPERIMENT_SCHEMA else document_schema(file)


def document_schema(file: str) -> str:
    """The schema of a document that functune writes, by the name of the schema's file."""
    return schema_text({"$schema": DRAFT, "$id": file} | described_schema(DOCUMENTS[file]))


if __name__ == "__main__":
    for name in SCHEMA_FILES:
        (FOLDER / name).write_text(schema_of(name), encoding="utf-8")
