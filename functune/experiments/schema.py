"""
The experiment file as a JSON Schema for editors: keys, types and limits of the model, with the docstrings of the keys.

The reader of experiment files decides what is valid. The schema refuses what the types refuse, and has the rules
between keys that KEY_RULES lists. An editor cannot check the others, such as whether a file exists.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from functune.experiments.model import Expectation, Experiment, Load, Matrix, Workload
from functune.experiments.requests import RequestTemplate
from functune.experiments.sections import sections
from functune.json_schema import described_schema, field_texts, schema_text
from functune.setting import Setting

EXPERIMENT_SCHEMA = "experiment.schema.json"
"""The name of the file."""
DRAFT = "http://json-schema.org/draft-07/schema#"
"""The newest that the TOML extensions of editors know."""
SEVERAL = "experiment"
"""The key of a file with several experiments."""
KEY_RULES: Mapping[type[msgspec.Struct], Mapping[str, Any]] = {
    Workload: {"oneOf": [{"required": [key]} for key in ("routes", "requests", "locustfile")]},
    RequestTemplate: {
        "not": {
            "anyOf": [
                {"required": [one, other]}
                for one, other in (("body", "body_file"), ("body", "json"), ("body_file", "json"))
            ]
        }
    },
    Expectation: {"anyOf": [{"required": ["at_least"]}, {"required": ["at_most"]}]},
}
"""The rules between keys of a table, which the types do not have."""
DISTINCT: Mapping[type[msgspec.Struct], tuple[str, ...]] = {
    Matrix: Matrix.__struct_fields__,
    Workload: ("routes", "background_users"),
    Load: ("users", "arrivals"),
}
"""The lists that have each value once."""


def experiment_schema() -> str:
    """The schema of a file with one experiment, or with several as ``[[experiment]]`` tables."""
    described = described_schema(Experiment)
    one, tables = described["$ref"], for_toml(described["$defs"])
    for struct in dict.fromkeys(section.struct for section in sections()):
        table, texts = tables[struct.__name__], key_texts(struct)
        table |= KEY_RULES.get(struct, {})
        for key, value in table["properties"].items():
            value["description"] = texts[key]
            if key in DISTINCT.get(struct, ()):
                value["uniqueItems"] = True
    experiment = tables[Experiment.__name__]
    several = {"description": "Several experiments.", "type": "array", "minItems": 1, "items": {"$ref": one}}
    # No choice between two whole schemas: an editor would underline all of a file that is of neither of them.
    whole = experiment | {
        "title": "functune experiment",
        "properties": experiment["properties"] | {SEVERAL: several},
        "required": [],
        "if": {"required": [SEVERAL]},
        "then": {"maxProperties": 1},
        "else": {"required": experiment["required"]},
    }
    return schema_text({"$schema": DRAFT} | whole | {"$defs": tables})


def key_texts(struct: type[msgspec.Struct]) -> dict[str, str]:
    """The meaning of each key of a table; a key that is named as a knob means the same in every table."""
    knobs = {key: text for key, text in field_texts(Setting).items() if key in struct.__struct_fields__}
    return knobs | field_texts(struct)


def for_toml(schema: Any) -> Any:
    """A schema without null, which TOML does not have; a list of values makes a pattern unnecessary."""
    if isinstance(schema, list):
        return [for_toml(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: for_toml(value) for key, value in schema.items() if not (key == "default" and value is None)}
    if "enum" in found:
        found.pop("pattern", None)
    if isinstance(choices := found.pop("anyOf", None), list):
        left = [each for each in choices if each != {"type": "null"}]
        found = left[0] | found if len(left) == 1 else {"anyOf": left} | found
    return found
