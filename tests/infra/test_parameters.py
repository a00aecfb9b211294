"""Parameter files and azure.yaml fit main.bicep; the compiler agrees where it is installed."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.infra.bicep import FILES, FLEX, INFRA, PREMIUM, ROOT, Template, decorators, parse

SIZES = [INFRA / f"{size}.parameters.json" for size in ("small", "medium", "large")]
GIVEN = [*SIZES, INFRA / "premium.parameters.json"]
AZD = INFRA / "main.parameters.json"
# What every way passes by itself: the name of the environment; and the region, which is that of the group.
BY_THE_COMMAND = {"environmentName", "location"}
# azd also looks at the variables of the shell, and images of Python set PYTHON_VERSION, to 3.13.1 for example.
VARIABLES = {"pythonVersion": "APP_PYTHON_VERSION"}
# What the three sizes differ in.
SIZING = {
    *("instanceMemoryMB", "perInstanceConcurrency", "threadCount"),
    *("maximumInstanceCount", "alwaysReadyInstanceCount"),
}
_REFERENCE = re.compile(r"\$\{([A-Z_]+)(?:=(.*))?\}")
_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def values(path: Path) -> dict[str, Any]:
    """Values by parameter of one parameter file."""
    return {name: entry["value"] for name, entry in json.loads(path.read_text())["parameters"].items()}


def unfit(given: dict[str, Any], template: Template) -> list[str]:
    """What main.bicep would refuse: unknown names, wrong types, numbers out of bounds."""
    wrong = []
    for name, value in given.items():
        if name not in template.parameters:
            wrong.append(f"{name} is no parameter")
            continue
        found = decorators(template.parameters[name])
        kind = {"int": int, "bool": bool, "string": str}[template.parameters[name]["type"]]
        if type(value) is not kind:
            wrong.append(f"{name} is {value!r}")
        elif "allowed" in found and value not in found["allowed"]:
            wrong.append(f"{name} is {value!r}, allowed are {found['allowed']}")
        elif "min_value" in found and not found["min_value"] <= value <= found["max_value"]:
            wrong.append(f"{name} is {value!r}, out of bounds")
    return wrong


def defaults(template: Template) -> dict[str, Any]:
    """Defaults by parameter; one that names another parameter has that one's."""
    plain = {name: parameter["default"] for name, parameter in template.parameters.items()}
    return {name: plain.get(value, value) if isinstance(value, str) else value for name, value in plain.items()}


def template_of(path: Path) -> Template:
    """The template that ``infra/deploy.sh`` deploys with a parameter file."""
    return parse(PREMIUM if path.name.startswith("premium") else FLEX)


@pytest.mark.parametrize("path", GIVEN, ids=lambda path: path.stem)
def test_parameter_file_fits_the_template(path: Path) -> None:
    assert unfit(values(path), template_of(path)) == []


@pytest.mark.parametrize("path", GIVEN, ids=lambda path: path.stem)
def test_parameter_file_passes_every_parameter(path: Path) -> None:
    assert set(values(path)) == set(template_of(path).parameters) - BY_THE_COMMAND


def test_azd_passes_every_parameter() -> None:
    assert set(values(AZD)) == set(parse(FLEX).parameters)


def test_sizes_differ_in_their_size_only() -> None:
    rest = [{name: value for name, value in values(path).items() if name not in SIZING} for path in SIZES]
    assert rest[0] == rest[1] == rest[2]


@pytest.mark.parametrize("path", SIZES, ids=lambda path: path.stem)
def test_parameter_file_lets_in_no_more_than_it_has_threads_for(path: Path) -> None:
    given = values(path)
    assert given["perInstanceConcurrency"] <= given["threadCount"]


def test_a_parameter_file_that_does_not_fit_is_seen() -> None:
    given = {"instanceMemoryMB": 1024, "perInstanceConcurrency": 0, "threadCount": "16", "threads": 1, "vnetEnabled": 1}
    assert len(unfit(given, parse(FLEX))) == len(given)


@pytest.mark.parametrize("path", [INFRA / "medium.parameters.json", INFRA / "premium.parameters.json"])
def test_file_has_the_defaults(path: Path) -> None:
    assert values(path).items() <= defaults(template_of(path)).items()


def test_azd_passes_the_defaults_on_unless_its_environment_says_otherwise() -> None:
    """azd puts text in and turns it into the parameter's type, hence the quotes."""
    template = parse(FLEX)
    for name, text in values(AZD).items():
        reference = _REFERENCE.fullmatch(text)
        assert reference, f"{name} is {text}, no reference to a variable"
        if name not in BY_THE_COMMAND:
            assert reference[1] == VARIABLES.get(name, _WORD.sub("_", name).upper())
            default = defaults(template)[name]
            assert (reference[2] or "") == (default if isinstance(default, str) else json.dumps(default))


def test_azure_yaml_names_the_template_and_the_tagged_service() -> None:
    project = yaml.safe_load((ROOT / "azure.yaml").read_text())
    infra = project["infra"]
    assert (ROOT / infra["path"] / f"{infra['module']}.bicep").exists()
    assert (ROOT / infra["path"] / f"{infra['module']}.parameters.json").exists()
    (name, service), *others = project["services"].items()
    assert others == []
    assert f"'azd-service-name': '{name}'" in FLEX.read_text()
    assert f"output SERVICE_{name.upper()}_URI" in FLEX.read_text()
    assert (service["host"], service["language"]) == ("function", "python")
    assert (ROOT / service["project"] / "host.json").exists()


@pytest.mark.parametrize(
    "path", [path for path in FILES if "\nmodule " in path.read_text()], ids=lambda path: path.name
)
def test_modules_get_every_parameter_they_need_and_no_other(path: Path) -> None:
    for name, module in parse(path).modules.items():
        config = module["config"].get("config", module["config"])
        declared = parse(path.parent / module["detail"]["path"]).parameters
        needed = {each for each, parameter in declared.items() if parameter["default"] is None}
        assert needed <= set(config["params"]) <= set(declared), name


@pytest.mark.skipif(shutil.which("bicep") is None, reason="the Bicep CLI is not installed; CI runs it on GitHub")
@pytest.mark.parametrize("command", ["build", "lint"])
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_compiler_agrees(command: str, path: Path, tmp_path: Path) -> None:
    out = ["--outfile", str(tmp_path / "template.json")] if command == "build" else []
    ran = subprocess.run(["bicep", command, str(path), *out], capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
