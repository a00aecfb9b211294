"""
Bicep files as Python values: what pycep-parser gives, with the few questions the rules ask of it.

The parser gives the name ``plan`` and the text ``'plan'`` as the same string, and takes ``a == b ? c : d`` apart in an
order of its own: files under test put parentheses around such a condition.
"""

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pycep import BicepParser

ROOT = Path(__file__).parent.parent.parent
INFRA = ROOT / "infra"
FLEX = INFRA / "main.bicep"
PREMIUM = INFRA / "premium.bicep"
APP_SERVICE = INFRA / "app-service.bicep"
CONTAINER_APPS = INFRA / "container-apps.bicep"
FILES = sorted(INFRA.rglob("*.bicep"))

_PARSER = BicepParser()
_DECLARES = re.compile(r"(?:targetScope|metadata|import|type|func|param|var|resource|module|output)\b")


@dataclass(frozen=True)
class Resource:
    """One resource: its symbolic name, type, API version and body."""

    symbol: str
    type: str
    api_version: str
    body: dict[str, Any]
    loop: tuple[str, Any] | None = None
    """Name of the item and expression of the array, where the resource is declared once for each."""

    @property
    def properties(self) -> dict[str, Any]:
        """``properties`` of the body, empty where there is none."""
        properties: dict[str, Any] = self.body.get("properties", {})
        return properties


@dataclass(frozen=True)
class ModuleCall:
    """A module as one file calls it."""

    symbol: str
    path: str
    """Of the module's file, from the calling one."""
    params: dict[str, Any]
    condition: Any
    """None where it is always deployed."""


@dataclass(frozen=True)
class Template:
    """One parsed file."""

    name: str
    document: dict[str, Any]

    @property
    def parameters(self) -> dict[str, Any]:
        """By name: type, default and decorators; a negative number is one, and not the operator."""
        found = self.document.get("parameters", {})
        return {name: {**parameter, "default": _number(parameter["default"])} for name, parameter in found.items()}

    @property
    def variables(self) -> dict[str, Any]:
        """Values by name."""
        return {name: variable["value"] for name, variable in self.document.get("variables", {}).items()}

    @property
    def outputs(self) -> dict[str, Any]:
        """Values by name."""
        return {name: output["value"] for name, output in self.document.get("outputs", {}).items()}

    @property
    def resources(self) -> list[Resource]:
        """
        Every resource the file deploys, those behind a condition too, but not those it only names (``existing``).

        ``properties`` and ``siteConfig`` are one object, and ``appSettings`` one array, however they are put together.
        """
        return [
            Resource(symbol, found["type"], found["api_version"], self._body(found["config"]), _loop(found["config"]))
            for symbol, found in self.document.get("resources", {}).items()
            if not found.get("existing")
        ]

    def _body(self, config: dict[str, Any]) -> dict[str, Any]:
        """The object of a resource, without the condition or the loop around it."""
        body: dict[str, Any] = config["config"] if "condition" in config else config
        if "properties" not in body:
            return body
        properties = self._united(body["properties"])
        if "siteConfig" in properties:
            site = self._united(properties["siteConfig"])
            settings = {"appSettings": self._joined(site["appSettings"])} if "appSettings" in site else {}
            properties = {**properties, "siteConfig": {**site, **settings}}
        return {**body, "properties": properties}

    def _united(self, expression: Any) -> dict[str, Any]:
        """The properties of an object, of a variable that holds one, or of a ``union``."""
        value: dict[str, Any] = self.value(expression)
        if value.get("function", {}).get("type") != "union":
            return value
        parts = [self._united(part) for part in value["function"]["parameters"].values()]
        return {name: item for part in parts for name, item in part.items()}

    def _joined(self, expression: Any) -> list[Any]:
        """The items of an array, of a variable that holds one, of both branches of a choice, or of a ``concat``."""
        value = self.value(expression)
        if isinstance(value, list):
            return value
        if "function" in value:
            assert value["function"]["type"] == "concat", value
            parts = list(value["function"]["parameters"].values())
        else:
            parts = [value["operator"]["operands"][branch] for branch in ("true_value", "false_value")]
        return [item for part in parts for item in self._joined(part)]

    @property
    def modules(self) -> dict[str, Any]:
        """By name, as parsed."""
        return dict(self.document.get("modules", {}))

    def calls(self, path: str) -> list[ModuleCall]:
        """The calls of the module in one file of the folder ``modules``, from outside of it or from inside."""
        return [
            ModuleCall(symbol, path, _inner(found["config"])["params"], found["config"].get("condition"))
            for symbol, found in self.modules.items()
            if found["detail"]["path"] in (f"modules/{path}", path)
        ]

    def condition(self, symbol: str) -> Any:
        """The condition of a resource; None where it is always deployed."""
        return self.document["resources"][symbol]["config"].get("condition")

    def of_type(self, resource_type: str) -> list[Resource]:
        """The resources of one type."""
        return [resource for resource in self.resources if resource.type == resource_type]

    def value(self, expression: Any) -> Any:
        """``expression``, or what the variable of that name holds."""
        return self.variables.get(expression, expression) if isinstance(expression, str) else expression


def parse(path: Path) -> Template:
    """Parse one file. Raises what pycep raises where it is not Bicep."""
    name = path.relative_to(INFRA).as_posix() if path.is_relative_to(INFRA) else path.name
    return Template(name, parsed(path.read_text()))


@functools.cache
def parsed(text: str) -> dict[str, Any]:
    """The document of a Bicep text; many tests look at the same files."""
    document: dict[str, Any] = {}
    for declaration in declarations(text):
        for kind, found in parsed_whole(declaration).items():
            for name, value in found.items():
                document.setdefault(kind, {}).setdefault(name, value)
    return document


@functools.cache
def parsed_whole(text: str) -> dict[str, Any]:
    """The document of a text that is parsed as one. A copy of a file differs from it in one declaration."""
    found: dict[str, Any] = _PARSER.parse(text=text)
    return found


def declarations(text: str) -> Iterator[str]:
    """The parts of a Bicep text: each declaration with its decorators in front of it."""
    lines: list[str] = []
    is_declared = False
    for line in text.splitlines(keepends=True):
        declares = _DECLARES.match(line) is not None
        if is_declared and (declares or line.startswith("@")):
            yield "".join(lines)
            lines, is_declared = [], False
        lines.append(line)
        is_declared |= declares
    yield "".join(lines)


def edited(path: Path, text: str, replacement: str, folder: Path) -> Template:
    """A copy of a file in ``folder`` with one edit, under the name of the original."""
    whole = path.read_text()
    assert text in whole
    copy = folder / path.name
    copy.write_text(whole.replace(text, replacement, 1))
    return Template(parse(path).name, parse(copy).document)


def decorators(parameter: dict[str, Any]) -> dict[str, Any]:
    """Decorators of a parameter by name; one without an argument holds None."""
    return {decorator["type"]: decorator.get("argument") for decorator in parameter["decorators"]}


def web_apps(template: Template) -> list[Resource]:
    """The app and its slot."""
    return [*template.of_type("Microsoft.Web/sites"), *template.of_type("Microsoft.Web/sites/slots")]


def app_settings(site: Resource) -> dict[str, Any]:
    """App settings of a site: expressions by name."""
    return {setting["name"]: setting["value"] for setting in site.properties["siteConfig"]["appSettings"]}


def walk(value: Any) -> Iterator[Any]:
    """``value`` and everything inside it; of the keys only those with an expression in them."""
    yield value
    if isinstance(value, dict):
        for key, item in value.items():
            if "${" in key:
                yield key
            yield from walk(item)
    elif isinstance(value, list):
        for item in value:
            yield from walk(item)


def chosen(expression: Any) -> tuple[Any, Any]:
    """Condition and value of ``condition ? value : …``; a pair of None for anything else."""
    operator = expression.get("operator", {}) if isinstance(expression, dict) else {}
    if operator.get("type") != "conditional":
        return None, None
    return operator["operands"]["condition"], operator["operands"]["true_value"]


def mentions(expression: Any, name: str) -> bool:
    """Whether ``name`` stands somewhere in the expression, as a name of its own or inside an interpolated string."""
    return any(isinstance(part, str) and (part == name or f"${{{name}" in part) for part in walk(expression))


def _number(default: Any) -> Any:
    negative = isinstance(default, dict) and default.get("operator", {}).get("type") == "minus"
    return -default["operator"]["operands"]["integer_value"] if negative else default


def _inner(config: dict[str, Any]) -> dict[str, Any]:
    inner: dict[str, Any] = config.get("config", config)
    return inner


def _loop(config: dict[str, Any]) -> tuple[str, Any] | None:
    detail = config.get("loop_type", {}).get("detail")
    return (detail["item_name"], detail["array_name"]) if detail else None
