"""The workflows keep the rules, name existing targets and files, and fail on skipped tests."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.project import workflow_rules as rules

ROOT = Path(__file__).parent.parent.parent
CI, DEPLOY = (ROOT / ".github" / "workflows" / name for name in ("ci.yml", "deploy.yml"))
MAKE_TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
_TOKEN = "    permissions:\n      contents: read\n      id-token: write\n"
_LOGIN = "      - uses: azure/login@"

CASES: dict[Callable[[str], list[str]], list[tuple[Path, str, str]]] = {
    rules.actions_are_pinned: [
        (CI, "@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1", "@v7 # v7.0.1"),
        (DEPLOY, "# v3.0.0", ""),
        (DEPLOY, "actions/setup-python@5fda3b95a4ea91299a34e894583c3862153e4b97", "./.github/actions/python"),
    ],
    rules.actions_are_current: [
        (CI, "# v7.0.1", "# v5.0.0"),
        (DEPLOY, "azure/login@532459ea530d8321f2fb9bb10d1e0bcf23869a43 # v3.0.0", f"azure/login@{'a' * 40} # v2.3.0"),
        (CI, "actions/setup-python", "somebody/setup-python"),
    ],
    rules.an_action_has_one_commit: [
        (DEPLOY, "needs: [package, what-if]", f"needs: []\n    x:\n      - uses: azure/login@{'a' * 40} # v3.0.0")
    ],
    rules.permissions_are_least: [
        (CI, "permissions:\n  contents: read\n", ""),
        (CI, "permissions:\n  contents: read\n", "permissions: write-all\n"),
        (DEPLOY, "permissions:\n  contents: read\n\n", "permissions:\n  contents: read\n  id-token: write\n\n"),
        (DEPLOY, "      contents: read\n      id-token: write\n", "      contents: write\n      id-token: write\n"),
        (DEPLOY, "    environment: azure\n", ""),
    ],
    rules.no_package_code_has_a_token: [
        (DEPLOY, _LOGIN, f"      - run: make package\n{_LOGIN}"),
        (DEPLOY, _LOGIN, f"      - run: infra/deploy.sh\n{_LOGIN}"),
        (DEPLOY, _LOGIN, f"      - run: echo $(pip install x)\n{_LOGIN}"),
        (DEPLOY, _LOGIN, f"      - run: echo x | .venv/bin/python -\n{_LOGIN}"),
        (DEPLOY, _LOGIN, f"      - uses: actions/setup-python@{'a' * 40} # v7.0.0\n{_LOGIN}"),
        (DEPLOY, "    timeout-minutes: 15\n    steps:", f"    timeout-minutes: 15\n{_TOKEN}    steps:"),
    ],
    rules.jobs_have_a_limit: [
        (CI, "    timeout-minutes: 30\n", ""),
        (DEPLOY, "timeout-minutes: 45", "timeout-minutes: 360"),
    ],
    rules.checkouts_keep_no_token: [
        (CI, "          persist-credentials: false", "          fetch-depth: 0"),
        (DEPLOY, "persist-credentials: false", "persist-credentials: true"),
    ],
    rules.no_command_holds_an_expression: [
        (DEPLOY, '--resource-group "$RESOURCE_GROUP"', '--resource-group "${{ inputs.resource-group }}"'),
    ],
    rules.nothing_is_stored: [
        (DEPLOY, "          client-id: ${{ vars.AZURE_CLIENT_ID }}", "          creds: ${{ vars.AZURE_CREDENTIALS }}"),
        (DEPLOY, "vars.AZURE_TENANT_ID", "secrets.AZURE_TENANT_ID"),
    ],
    rules.what_if_only_reads: [(DEPLOY, "          --validation-level ProviderNoRbac\n", "")],
    rules.deployment_is_reviewed_and_sends_what_was_built: [
        (DEPLOY, "needs: [package, what-if]", "needs: [package]"),
        (DEPLOY, "needs: [package, what-if]", "needs: [what-if]"),
        (DEPLOY, "    environment: azure\n", "    environment: azure-preview\n"),
        (DEPLOY, "          name: package\n          path: dist\n", "          name: other\n          path: dist\n"),
    ],
}


def test_there_are_workflows() -> None:
    assert set((ROOT / ".github" / "workflows").glob("*.yml")) == {CI, DEPLOY}


@pytest.mark.parametrize("rule", CASES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("workflow", [CI, DEPLOY], ids=lambda path: path.name)
def test_workflow_keeps_the_rule(workflow: Path, rule: Callable[[str], list[str]]) -> None:
    assert rule(workflow.read_text()) == []


@pytest.mark.parametrize(
    ("rule", "workflow", "text", "replacement"),
    [(rule, *change) for rule, changes in CASES.items() for change in changes],
    ids=[f"{rule.__name__}-{number}" for rule, changes in CASES.items() for number, _ in enumerate(changes)],
)
def test_rule_refuses_a_changed_copy(
    rule: Callable[[str], list[str]], workflow: Path, text: str, replacement: str
) -> None:
    assert text in workflow.read_text()
    assert rule(workflow.read_text().replace(text, replacement, 1))


def test_every_rule_has_a_case() -> None:
    defined = {value for name, value in vars(rules).items() if callable(value) and not name.startswith("_")}
    assert {rule for rule in defined if getattr(rule, "__module__", "") == rules.__name__} == set(CASES)


@pytest.mark.parametrize("workflow", [CI, DEPLOY], ids=lambda path: path.name)
def test_every_make_target_and_file_a_step_runs_exists(workflow: Path) -> None:
    jobs = yaml.safe_load(workflow.read_text())["jobs"]
    commands = "\n".join(step.get("run", "") for job in jobs.values() for step in job["steps"])
    targets = re.findall(r"\bmake ([a-z -]+)(?:$|[A-Z_]+=)", commands, re.MULTILINE)
    named = {target for line in targets for target in line.split()}
    assert named
    assert named <= MAKE_TARGETS
    files = set(re.findall(r"(?<![\w./$])(?:infra|tests|tools)(?:/[\w.-]+)+", commands))
    assert [file for file in files if "$" not in file and not (ROOT / file).exists()] == []


@pytest.mark.parametrize("script", [ROOT / ".ci" / "run", CI], ids=lambda path: path.name)
def test_ci_fails_on_skips_other_than_those_it_names(script: Path) -> None:
    commands = re.findall(r"^(?!\s*#).*(?:make test|-m pytest).*$", script.read_text(), re.MULTILINE)
    assert commands
    assert [command for command in commands if "--allowed-skips=" not in command] == []


def test_deployment_asks_the_template_for_what_it_uses() -> None:
    outputs = set(re.findall(r"^output (\w+)", (ROOT / "infra" / "main.bicep").read_text(), re.MULTILINE))
    used = set(re.findall(r"\.([A-Z_]+)\.value", DEPLOY.read_text()))
    assert used
    assert used <= outputs


def test_setup_is_described_for_the_environments_and_variables_of_the_workflow() -> None:
    page = (ROOT / "docs" / "deploy.md").read_text()
    workflow = DEPLOY.read_text()
    environments = {job["environment"] for job in yaml.safe_load(workflow)["jobs"].values() if "environment" in job}
    assert [name for name in environments if f"/environments/{name} " not in page] == []
    variables = set(re.findall(r"vars\.(\w+)", workflow))
    assert [name for name in variables if f"gh variable set {name} " not in page] == []
