"""The values that a key allows, as its error says them: the numbers are those of its type."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from functune.errors import ExperimentError
from functune.experiments.file import experiment_of
from functune.experiments.messages import allowed_values
from functune.experiments.schema import experiment_schema
from functune.experiments.sections import sections

TABLES: dict[str, Any] = json.loads(experiment_schema())["$defs"]
LIMITS = ("minimum", "maximum", "exclusiveMinimum", "maxLength")


def limits_of(schema: Any) -> Iterator[float]:
    """The limits of numbers and lengths in the schema of a key, except for those of a table."""
    if isinstance(schema, list):
        for each in schema:
            yield from limits_of(each)
    elif isinstance(schema, dict):
        yield from (schema[name] for name in LIMITS if name in schema)
        for each in schema.values():
            yield from limits_of(each)


KEYS = [
    (f"{section.path}.{key}".lstrip("."), limits)
    for section in sections()
    for key, schema in TABLES[section.struct.__name__]["properties"].items()
    if (limits := sorted(set(limits_of(schema))))
]


@pytest.mark.parametrize(("key", "limits"), KEYS, ids=[key for key, _ in KEYS])
def test_error_of_a_key_says_the_limits_of_its_type(key: str, limits: list[float]) -> None:
    said = set(map(float, re.findall(r"\d+(?:\.\d+)?", allowed_values(f"{key}[0]") or "")))
    assert said >= set(limits)


def test_memory_of_an_instance_of_ones_own_says_its_least() -> None:
    table = {
        "name": "x",
        "question": "q",
        "workload": {"routes": ["/a"]},
        "settings": {"instance": [{"cores": 1, "memory_mb": 8}]},
        "load": {"users": [1], "warm_up": 0.5, "measure": 1},
    }
    with pytest.raises(ExperimentError, match=r"settings\.instance\[0\]\.memory_mb is 8: allowed: .* MB from 16$"):
        experiment_of(table, source="x.toml", at="")
