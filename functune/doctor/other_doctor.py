"""
The findings of azure-functions-doctor, where it is installed for the app or in functune's environment.

It checks the files of a project, such as versions, extension bundles and decorators, and knows nothing of concurrency.
It runs as a process of its own, whose JSON is a published contract.
"""

import subprocess
from pathlib import Path

import msgspec

from functune.doctor.finding import Finding, Severity
from functune.environ import child_environ
from functune.errors import HostError
from functune.packages.app_packages import AppPackages
from functune.packages.interpreter import own_interpreter

NAME = "azure-functions-doctor"
COVERED = frozenset(
    {
        "check_extension_bundle",
        "check_host_json",
        "check_host_json_version",
        "check_requirements_txt",
        "check_unpinned_requirements",
        "check_flex_deprecated_settings",
    }
)
"""Its rules that say the same as rules of functune, at the same places."""
ABOUT_THE_MACHINE = frozenset(
    {"check_venv", "check_python_executable", "check_func_cli", "check_local_settings", "check_func_core_tools_version"}
)
"""Its rules about the machine that it runs on, and not about the app."""
NOT_INSTALLED = f"{NAME} is not installed for the app or with functune; install it to add its findings."
_TIMEOUT = 60.0
"""Seconds that it may take."""
_PLANS = {"flex": "flex-consumption", "premium": "premium"}
"""Its names of plans."""


class OtherItem(msgspec.Struct, kw_only=True):
    """One result of it, as far as it is used."""

    rule_id: str
    status: str
    label: str = ""
    value: str = ""
    severity: str = "warning"
    hint: str = ""
    file: str | None = None
    line: int | None = None


class OtherSection(msgspec.Struct, kw_only=True):
    """A section of results."""

    items: list[OtherItem] = []


class OtherReport(msgspec.Struct, kw_only=True):
    """Its JSON output."""

    schema_version: str
    results: list[OtherSection]


def find_other_doctor(packages: AppPackages) -> Path | None:
    """Its program in the app's environment, else in that of functune; None where it is in neither."""
    interpreters = [packages.python, own_interpreter().executable]
    places = [each.parent / NAME for each in interpreters if each is not None]
    return next((place for place in places if place.is_file()), None)


def other_findings(program: Path, root: Path, *, plan: str | None) -> list[Finding]:
    """What it finds. Raises HostError where it does not answer as its contract says."""
    command = [str(program), "doctor", "--path", str(root), "--format", "json"]
    if plan in _PLANS:
        command += ["--hosting-plan", _PLANS[plan]]
    try:
        done = subprocess.run(
            command,
            env=child_environ({"NO_COLOR": "1"}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT,
            check=False,
        )
        report = msgspec.json.decode(done.stdout, type=OtherReport)
    except (OSError, subprocess.TimeoutExpired, msgspec.DecodeError) as error:
        raise HostError(f"{program} did not answer with its JSON: {error}; remove it, or update it") from error
    return [finding_of(item) for section in report.results for item in section.items if is_wanted(item)]


def is_wanted(item: OtherItem) -> bool:
    """Whether a result is a finding about the app that functune does not have itself."""
    return item.status in ("warn", "fail", "error") and item.rule_id not in COVERED | ABOUT_THE_MACHINE


def finding_of(item: OtherItem) -> Finding:
    """A result as a finding; what it counts as optional is a note."""
    severity: Severity = "error" if item.severity == "error" and item.status != "warn" else "note"
    first = " ".join(item.value.replace("(optional)", "").split())
    return Finding(
        rule=item.rule_id,
        severity=severity,
        file=item.file,
        line=item.line,
        seen=f"{item.label}: {first}",
        why=f"A rule of {NAME}.",
        remedy=item.hint,
        source=NAME,
    )
