"""The findings of azure-functions-doctor, from a program that answers as version 0.23 does."""

import json
import stat
from pathlib import Path

import pytest

from functune.doctor.diagnose import diagnose
from functune.doctor.other_doctor import NAME, NOT_INSTALLED, find_other_doctor, other_findings
from functune.doctor.reading.inspected import inspect_app
from functune.errors import HostError
from functune.packages.app_packages import AppPackages, PackageSource
from functune.packages.interpreter import own_interpreter
from tests.doctor.written_apps import write_files

ITEM = {
    "rule_id": "check_otel",
    "label": "OTel",
    "value": "No exporter\n- a\n(optional)",
    "status": "warn",
    "severity": "warning",
    "tier": "core",
    "hint": "Add one.",
    "file": "host.json",
    "line": 4,
}


def program(folder: Path, items: list[dict[str, object]], *, answer: str | None = None) -> Path:
    """A program that notes its arguments and prints a report."""
    report = {"schema_version": "2.0", "metadata": {}, "results": [{"title": "T", "status": "warn", "items": items}]}
    (folder / "answer.json").write_text(json.dumps(report) if answer is None else answer)
    path = folder / NAME
    path.write_text(f'#!/bin/sh\necho "$@" > {folder}/arguments\ncat {folder}/answer.json\nexit 1\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def packages(root: Path, folder: Path) -> AppPackages:
    return AppPackages(
        script_root=root, source=PackageSource.ENVIRONMENT, interpreter=own_interpreter(), python=folder / "python"
    )


def test_its_findings_are_added_without_those_that_say_the_same(tmp_path: Path) -> None:
    passed, covered = ITEM | {"status": "pass"}, ITEM | {"rule_id": "check_host_json"}
    skipped, machine = ITEM | {"status": "skip"}, ITEM | {"rule_id": "check_func_cli"}
    failed = ITEM | {"rule_id": "check_azure_functions_library", "status": "fail", "severity": "error", "file": None}
    (tmp_path / "bin").mkdir()
    program(tmp_path / "bin", [ITEM, passed, covered, skipped, machine, failed])
    root = write_files(tmp_path / "app", {})
    found = diagnose(inspect_app(root, plan="flex"), packages(root, tmp_path / "bin"))
    others = [each for each in found.findings if each.source == NAME]
    assert [(each.rule, each.severity, each.place, each.seen) for each in others] == [
        ("check_azure_functions_library", "error", "4", "OTel: No exporter - a"),
        ("check_otel", "note", "host.json:4", "OTel: No exporter - a"),
    ]
    assert NOT_INSTALLED not in found.notes
    said = (tmp_path / "bin" / "arguments").read_text().split()
    assert said == ["doctor", "--path", str(root), "--format", "json", "--hosting-plan", "flex-consumption"]


def test_its_absence_is_said_in_a_line(tmp_path: Path) -> None:
    """Where the tests run with it installed in the same environment, it is found there."""
    root = write_files(tmp_path / "app", {})
    beside = own_interpreter().executable.parent / NAME
    found = diagnose(inspect_app(root), packages(root, tmp_path))
    assert find_other_doctor(packages(root, tmp_path)) == (beside if beside.exists() else None)
    assert (NOT_INSTALLED in found.notes) != beside.exists()


def test_another_answer_than_its_contract_is_an_error(tmp_path: Path) -> None:
    path = program(tmp_path, [], answer="Traceback")
    with pytest.raises(HostError, match="did not answer with its JSON"):
        other_findings(path, tmp_path, plan=None)
