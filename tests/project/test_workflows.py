"""The workflows parse, pin their actions, name existing targets and files, and fail on skipped tests."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
MAKE_TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
_PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")


def jobs(workflow: Path) -> dict[str, Any]:
    """The jobs of one workflow."""
    found: dict[str, Any] = yaml.safe_load(workflow.read_text())["jobs"]
    return found


def steps(workflow: Path) -> list[dict[str, Any]]:
    """All steps of all jobs."""
    return [step for job in jobs(workflow).values() for step in job["steps"]]


def test_there_are_workflows() -> None:
    assert {path.name for path in WORKFLOWS} == {"ci.yml", "deploy.yml"}


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_by_commit_with_its_tag_beside_it(workflow: Path) -> None:
    used = [step["uses"] for step in steps(workflow) if "uses" in step]
    assert used
    assert [action for action in used if not _PINNED.fullmatch(action)] == []
    lines = [line for line in workflow.read_text().splitlines() if "uses:" in line]
    assert [line for line in lines if not re.search(r"# v\d+\.\d+\.\d+$", line)] == []


def test_an_action_has_the_same_commit_everywhere() -> None:
    pins: dict[str, set[str]] = {}
    for workflow in WORKFLOWS:
        for action, commit in re.findall(r"uses: (\S+)@(\S+)", workflow.read_text()):
            pins.setdefault(action, set()).add(commit)
    assert [action for action, commits in pins.items() if len(commits) > 1] == []


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_every_make_target_and_file_a_step_runs_exists(workflow: Path) -> None:
    commands = "\n".join(step["run"] for step in steps(workflow) if "run" in step)
    targets = re.findall(r"\bmake ([a-z -]+)(?:$|[A-Z_]+=)", commands, re.MULTILINE)
    named = {target for line in targets for target in line.split()}
    assert named
    assert named <= MAKE_TARGETS
    files = set(re.findall(r"(?<![\w./$])(?:infra|tests|tools)(?:/[\w.-]+)+", commands))
    assert [file for file in files if "$" not in file and not (ROOT / file).exists()] == []


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_jobs_have_a_time_limit_and_read_the_repository_alone(workflow: Path) -> None:
    permissions = yaml.safe_load(workflow.read_text())["permissions"]
    assert permissions["contents"] == "read"
    assert set(permissions) <= {"contents", "id-token"}
    assert [name for name, job in jobs(workflow).items() if "timeout-minutes" not in job] == []


@pytest.mark.parametrize("script", [ROOT / ".ci" / "run", WORKFLOWS[0]], ids=lambda path: path.name)
def test_ci_fails_on_skips_other_than_those_it_names(script: Path) -> None:
    commands = re.findall(r"^(?!\s*#).*(?:make test|-m pytest).*$", script.read_text(), re.MULTILINE)
    assert commands
    assert [command for command in commands if "--allowed-skips=" not in command] == []


def test_deployment_signs_in_without_a_stored_password() -> None:
    workflow = ROOT / ".github" / "workflows" / "deploy.yml"
    assert yaml.safe_load(workflow.read_text())["permissions"]["id-token"] == "write"
    logins = [step["with"] for step in steps(workflow) if step.get("uses", "").startswith("azure/login@")]
    assert len(logins) == len(jobs(workflow))
    assert all(set(login) == {"client-id", "tenant-id", "subscription-id"} for login in logins)
    assert "secrets." not in workflow.read_text()


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_no_command_holds_an_expression(workflow: Path) -> None:
    """What somebody typed reaches a shell through the environment, where it stays text."""
    assert [step["run"] for step in steps(workflow) if "${{" in step.get("run", "")] == []
