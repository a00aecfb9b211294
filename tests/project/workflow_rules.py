"""Rules for the workflows: each is a function that returns what is wrong with one."""

import re
from typing import Any

import yaml

# The current major versions, all on Node 24, as of November 2026. GitHub's runners have no Node 20 any more.
MAJORS = {
    "actions/checkout": 7,
    "actions/setup-python": 7,
    "actions/upload-artifact": 7,
    "actions/download-artifact": 8,
    "azure/login": 3,
}
_USES = re.compile(r"uses: (?P<action>[\w.-]+/[\w./-]+)@(?P<commit>\S+)(?: # v(?P<tag>\d+\.\d+\.\d+))?$", re.MULTILINE)
# What a job with a token for Azure may use: none of these runs code that a package index serves.
_ACTIONS_WITH_TOKEN = {"actions/checkout", "actions/download-artifact", "azure/login"}
_PROGRAMS_WITH_TOKEN = {"az", "curl", "echo", "jq"}


def actions_are_pinned(text: str) -> list[str]:
    """A tag can be moved, a commit cannot; the tag next to it is for readers."""
    named = text.count("uses:")
    found = list(_USES.finditer(text))
    wrong = [use["action"] for use in found if not re.fullmatch("[0-9a-f]{40}", use["commit"]) or use["tag"] is None]
    return wrong if len(found) == named else [*wrong, f"{named - len(found)} of another form"]


def actions_are_current(text: str) -> list[str]:
    """An action on a version of Node that the runner lacks does not run."""
    used = {(use["action"], int((use["tag"] or "0").partition(".")[0])) for use in _USES.finditer(text)}
    return [f"{action} v{major}" for action, major in used if MAJORS.get(action) != major]


def an_action_has_one_commit(text: str) -> list[str]:
    """One version of each action."""
    pins: dict[str, set[str]] = {}
    for use in _USES.finditer(text):
        pins.setdefault(use["action"], set()).add(use["commit"])
    return [action for action, commits in pins.items() if len(commits) > 1]


def permissions_are_least(text: str) -> list[str]:
    """The workflow reads the repository. A job may also ask for a token to sign in with, in an environment."""
    workflow = yaml.safe_load(text)
    wrong = [] if workflow.get("permissions") == {"contents": "read"} else ["the workflow"]
    for name, job in workflow["jobs"].items():
        asked = job.get("permissions", {"contents": "read"})
        if asked == {"contents": "read", "id-token": "write"}:
            wrong += [] if "environment" in job else [f"{name} has no environment"]
        elif asked != {"contents": "read"}:
            wrong.append(name)
    return wrong


def no_package_code_has_a_token(text: str) -> list[str]:
    """Where a token can be had, nothing runs that a package index or a build has brought."""
    wrong = []
    for name, job in yaml.safe_load(text)["jobs"].items():
        if "id-token" not in job.get("permissions", {}):
            continue
        actions = {step["uses"].partition("@")[0] for step in job["steps"] if "uses" in step}
        wrong += [f"{name}: {action}" for action in sorted(actions - _ACTIONS_WITH_TOKEN)]
        programs = {program for step in job["steps"] for program in _programs(step.get("run", ""))}
        wrong += [f"{name}: {program}" for program in sorted(programs - _PROGRAMS_WITH_TOKEN)]
    return wrong


def _programs(script: str) -> set[str]:
    """The first word of every command: at a line's beginning, after ``|``, ``;``, ``&&`` and in ``$(…)``."""
    joined = re.sub(r"\\\n\s*", " ", script)
    starts = re.findall(r"(?:^|[;|&]\s*|\$\()\s*(?:\w+=(?=\$\())?([^\s\"'$()]+)", joined, re.MULTILINE)
    return {start for start in starts if not start.endswith("=")}


def jobs_have_a_limit(text: str) -> list[str]:
    """A job that hangs ends within the hour."""
    return [name for name, job in _jobs(text).items() if not 0 < job.get("timeout-minutes", 0) <= 60]


def checkouts_keep_no_token(text: str) -> list[str]:
    """Later steps do not find the token of the repository in .git/config."""
    steps = [(name, step) for name, step in _steps(text) if step.get("uses", "").startswith("actions/checkout@")]
    return [name for name, step in steps if step.get("with", {}).get("persist-credentials") is not False]


def no_command_holds_an_expression(text: str) -> list[str]:
    """What somebody typed reaches a shell through the environment, where it stays text."""
    return [f"{name}: {step['run']}" for name, step in _steps(text) if "${{" in step.get("run", "")]


def nothing_is_stored(text: str) -> list[str]:
    """Sign-in is by a federated credential: the three numbers are no secrets, and there is no password."""
    logins = [(name, step["with"]) for name, step in _steps(text) if step.get("uses", "").startswith("azure/login@")]
    wrong = [name for name, asked in logins if set(asked) != {"client-id", "tenant-id", "subscription-id"}]
    return [*wrong, "secrets"] if "secrets." in text else wrong


def what_if_only_reads(text: str) -> list[str]:
    """By default what-if asks for the right to write each resource."""
    commands = [(name, step["run"]) for name, step in _steps(text) if " what-if " in step.get("run", "")]
    return [name for name, command in commands if "--validation-level ProviderNoRbac" not in command]


def deployment_is_reviewed_and_sends_what_was_built(text: str) -> list[str]:
    """The job that deploys waits for the package and the list of changes, in an environment other than theirs."""
    jobs = _jobs(text)
    wrong = []
    for name, job in jobs.items():
        script = "\n".join(step.get("run", "") for step in job["steps"])
        if not re.search(r"\baz deployment \w+ create\b|config-zip", script):
            continue
        needs = job.get("needs", [])
        built = {step["with"]["name"] for need in needs for step in jobs[need]["steps"] if _is(step, "upload-artifact")}
        sent = {step["with"]["name"] for step in job["steps"] if _is(step, "download-artifact")}
        listed = any(" what-if " in step.get("run", "") for need in needs for step in jobs[need]["steps"])
        others = {jobs[need].get("environment") for need in needs}
        if not (sent and sent <= built and listed and job.get("environment") not in others | {None}):
            wrong.append(name)
    return wrong


def _is(step: dict[str, Any], action: str) -> bool:
    return str(step.get("uses", "")).startswith(f"actions/{action}@")


def _jobs(text: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(text)["jobs"]
    return found


def _steps(text: str) -> list[tuple[str, dict[str, Any]]]:
    return [(name, step) for name, job in _jobs(text).items() for step in job["steps"]]
