"""
Azure's own type definitions, offline, and a check of resource bodies against them; azmcp.py says where they come from.
"""

import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.infra.azmcp import Azmcp
from tests.infra.bicep import Resource, Template, decorators

# Type and path of a property the types do not have, and why it is written all the same.
EXCEPTIONS = {
    ("Microsoft.Web/sites", "properties.functionAppConfig.siteUpdateStrategy"): (
        "documented for API version 2024-11-01 and in the types from 2025-05-01 on"
    ),
}
# Types azmcp has no definition of, so that they cannot be checked, and where their API version comes from.
UNKNOWN = {
    "Microsoft.Network/privateDnsZones": "2024-06-01, the public index of Bicep's types",
    "Microsoft.Network/privateDnsZones/A": "2024-06-01, that of the zone",
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks": "2024-06-01, the public index of Bicep's types",
    "Microsoft.Insights/autoscalesettings": "2022-10-01, the public index of Bicep's types",
    "Microsoft.Insights/actionGroups": "2023-01-01, Microsoft's samples",
    "Microsoft.Insights/metricAlerts": "2018-03-01, Microsoft's samples",
    "Microsoft.Insights/diagnosticSettings": "2021-05-01-preview, Microsoft's samples; there is no later version",
}

# Of Bicep, not of the resource.
_OF_BICEP = {"dependsOn", "parent", "scope"}
# What a function of Bicep returns; any other may return anything.
_RETURNED = {
    "string": "string",
    "guid": "string",
    "resource_id": "string",
    "subscription_resource_id": "string",
    "to_lower": "string",
    "unique_string": "string",
    "concat": "array",
    "union": "object",
}
_COMPARISONS = {"equals", "not_equals", "greater_than", "less_than", "and", "or", "not"}


@dataclass(frozen=True)
class Definition:
    """The types of one resource type: the body's properties and every object they name."""

    resource: str
    """Type and API version, as in ``Microsoft.Web/sites@2024-11-01``."""
    bodies: dict[str, list[dict[str, Any]]]
    """The properties by the name of the resource, where the name decides which there are; else under an empty name."""
    objects: dict[str, dict[str, Any]] = field(repr=False)

    @property
    def properties(self) -> list[dict[str, Any]]:
        """The properties of a resource whose name does not matter."""
        return self.bodies[""]


def keep(path: Path, answer: str) -> None:
    """Write an answer in one move: half of one must not be taken for a whole one the next time."""
    part = path.with_suffix(f".{os.getpid()}.part")  # another run of the tests may write the same answer
    part.write_text(answer)
    part.replace(path)


class Types:
    """
    The definitions that azmcp has, to be closed.

    Each answer is kept beside the program, also that it has none; azmcp starts for the first one that is not kept yet.
    """

    def __init__(self, program: Path) -> None:
        self._program = program
        self._azmcp: Azmcp | None = None
        self._definitions: dict[str, Definition] = {}

    def definition(self, resource_type: str) -> Definition:
        """The definition of one type; raises LookupError when azmcp has none, AzmcpError when it fails otherwise."""
        if resource_type not in self._definitions:
            known = json.loads(self._answer(resource_type))
            if known is None:
                raise LookupError(f"azmcp has no types for {resource_type}")
            self._definitions[resource_type] = _definition(known["results"]["BicepSchemaResult"])
        return self._definitions[resource_type]

    def close(self) -> None:
        """End azmcp if it was started."""
        if self._azmcp is not None:
            self._azmcp.close()

    def _answer(self, resource_type: str) -> str:
        kept = self._program.parent / f"{resource_type.replace('/', '_')}.json"
        if not kept.exists():
            self._azmcp = self._azmcp or Azmcp(self._program)
            keep(kept, self._azmcp.types(resource_type) or "null")
        return kept.read_text()


def _definition(parts: list[dict[str, Any]]) -> Definition:
    resource = next(part for part in parts if part["$type"] == "Resource")
    objects = {part["name"]: part for part in parts if part["$type"] == "Object"}
    return Definition(resource["name"], _bodies(resource["bodyType"]), objects)


def _bodies(body_type: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    if body_type["$type"] != "DiscriminatedObject":
        return {"": body_type["properties"]}
    names = [{prop["name"]: prop["type"] for prop in one["properties"]}["name"] for one in body_type["elements"]]
    return dict(zip(names, [one["properties"] for one in body_type["elements"]], strict=True))


def problems(template: Template, types: Types) -> list[str]:
    """What in the resource bodies of one file does not fit Azure's types; the known exceptions are left out."""
    return [
        problem
        for resource in template.resources
        if resource.type not in UNKNOWN
        for problem in _Check(template, resource, types.definition(resource.type)).run()
    ]


class _Check:
    """One resource body against its definition."""

    def __init__(self, template: Template, resource: Resource, known: Definition) -> None:
        self._template = template
        self._resource = resource
        self._known = known
        self._found: list[str] = []

    def run(self) -> list[str]:
        written = f"{self._resource.type}@{self._resource.api_version}"
        if written != self._known.resource:
            self._found.append(f"{self._resource.symbol} is {written}, the types are those of {self._known.resource}")
        body = {name: value for name, value in self._resource.body.items() if name not in _OF_BICEP}
        name = "" if "" in self._known.bodies else body["name"]
        if name in self._known.bodies:
            self._properties(body, self._known.bodies[name], None, "")
        else:
            self._say("name", f"is {name!r}, not one of {', '.join(sorted(self._known.bodies))}")
        return self._found

    def _say(self, path: str, what: str) -> None:
        self._found.append(f"{self._resource.symbol}.{path}: {what}")

    def _properties(self, value: dict[str, Any], known: list[dict[str, Any]], rest: str | None, path: str) -> None:
        """An object: every property known and of its type, none missing, none that only Azure sets."""
        by_name = {prop["name"]: prop for prop in known}
        for name, item in value.items():
            where = f"{path}.{name}" if path else name
            if name in by_name:
                if "ReadOnly" in by_name[name].get("flags", ""):
                    self._say(where, "is read-only")
                self._value(item, by_name[name]["type"], where)
            elif rest is not None:
                self._value(item, rest, where)
            elif (self._resource.type, where) not in EXCEPTIONS:
                self._say(where, "is no property Azure knows")
        for name, prop in by_name.items():
            if "Required" in prop.get("flags", "") and name not in value:
                self._say(f"{path}.{name}" if path else name, "is missing")

    def _value(self, value: Any, expected: str, path: str) -> None:
        """``expected`` is a type as azmcp writes it: a name, ``name[]``, or values with `` | `` between."""
        for choice in self._choices(value):
            if isinstance(choice, list) and expected.endswith("[]"):
                for index, item in enumerate(choice):
                    self._value(item, expected.removesuffix("[]"), f"{path}[{index}]")
            elif isinstance(choice, dict) and expected in self._known.objects:
                known = self._known.objects[expected]
                self._properties(choice, known["properties"], known.get("additionalPropertiesType"), path)
            elif not self._fits(choice, expected):
                self._say(path, f"is {choice!r}, not {expected}")

    def _fits(self, value: Any, expected: str) -> bool:
        if expected == "any" or isinstance(value, _Unknown):
            return True
        if isinstance(value, _Of):
            is_object = value.type == "object" and (expected in self._known.objects or expected == "object")
            return (
                is_object or value.type in expected.split(" | ") or (value.type == "array" and expected.endswith("[]"))
            )
        if isinstance(value, bool):
            return expected == "bool"
        if isinstance(value, int):
            return expected == "int"
        if isinstance(value, str):
            return "string" in expected.split(" | ") or value in expected.split(" | ") or value == expected
        return False

    def _choices(self, value: Any) -> list[Any]:
        """What an expression can come to: plain values, objects and arrays, or as much as is known of their type."""
        if value is None:
            return []
        if isinstance(value, str):
            return self._named(value)
        if not is_expression(value):
            return [value]
        if "loop_type" in value:
            return [[value["config"]]]
        if "function" in value:
            function = value["function"]
            if function["type"] == "any":
                return [_Unknown()]
            return [_Of(_RETURNED[function["type"]])] if function["type"] in _RETURNED else [_Unknown()]
        operator = value["operator"]
        if operator["type"] == "conditional":
            both = (operator["operands"]["true_value"], operator["operands"]["false_value"])
            return [choice for branch in both for choice in self._choices(branch)]
        return [_Of("bool")] if operator["type"] in _COMPARISONS else [_Unknown()]

    def _named(self, text: str) -> list[Any]:
        """A string that is the name of a parameter or variable stands for it."""
        if text in self._template.variables:
            return self._choices(self._template.variables[text])
        if text in self._template.parameters:
            parameter = self._template.parameters[text]
            return decorators(parameter).get("allowed") or [_Of(parameter["type"])]
        return [_Of("string")] if re.search(r"\$\{", text) else [text]


def is_expression(value: Any) -> bool:
    """Whether a parsed value is an operator, a function or a loop, not an object with a property of that name."""
    return isinstance(value, dict) and any(
        isinstance(value.get(kind), dict) for kind in ("operator", "function", "loop_type")
    )


@dataclass(frozen=True)
class _Of:
    """Some value of a type of Bicep: string, int, bool, array, object."""

    type: str

    def __repr__(self) -> str:
        return f"some {self.type}"


class _Unknown:
    """A value of which nothing is known before it is deployed."""
