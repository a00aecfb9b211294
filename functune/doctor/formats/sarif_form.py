"""The diagnosis as SARIF 2.1.0, which code scanning services show at the lines of a change."""

from importlib.metadata import version
from typing import Any
from urllib.parse import quote

import msgspec

from functune.doctor.finding import Diagnosis, Finding, Severity
from functune.doctor.registry import RULES
from functune.doctor.rule import Rule

SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_ROOT = "%SRCROOT%"
"""The base of the files, which the reader of the log knows: the app's folder."""


def sarif_text(diagnosis: Diagnosis, threshold: Severity) -> str:
    """A log with one run. The rules of another program are listed after those of functune, where it found something."""
    others = dict.fromkeys(each.rule for each in diagnosis.findings if each.rule not in RULES)
    rules = [*map(rule_descriptor, RULES.values()), *({"id": each} for each in others)]
    places = {each["id"]: place for place, each in enumerate(rules)}
    log = {
        "$schema": SARIF_SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "functune", "version": version("functune"), "rules": rules}},
                "columnKind": "unicodeCodePoints",
                "results": [result(each, places[each.rule]) for each in diagnosis.findings],
                **start_properties(diagnosis),
            }
        ],
    }
    return msgspec.json.format(msgspec.json.encode(log), indent=2).decode() + "\n"


def start_properties(diagnosis: Diagnosis) -> dict[str, Any]:
    """What App Service starts, as a property of the run."""
    found = diagnosis.app_service
    return {} if found is None else {"properties": {"appService": msgspec.to_builtins(found)}}


def rule_descriptor(rule: Rule) -> dict[str, Any]:
    """A rule."""
    return {
        "id": rule.id,
        "shortDescription": {"text": f"Looks for {rule.looks_for}."},
        "fullDescription": {"text": rule.why},
        "help": {"text": rule.remedy},
        "defaultConfiguration": {"level": rule.severity},
        "properties": {"tags": [rule.family]},
    }


def result(finding: Finding, rule_index: int) -> dict[str, Any]:
    """A finding; one that points to no file has no location."""
    found: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": rule_index,
        "level": finding.severity,
        "message": {"text": " ".join(filter(None, (finding.seen, finding.why, finding.remedy)))},
    }
    if finding.file is not None:
        region = {"region": {"startLine": finding.line}} if finding.line else {}
        place = {"artifactLocation": {"uri": quote(finding.file), "uriBaseId": _ROOT}, **region}
        found["locations"] = [{"physicalLocation": place}]
    return found
