"""The forms of a diagnosis."""

import json
from xml.etree import ElementTree

import jsonschema
import msgspec
import pytest

from functune.doctor.finding import Diagnosis, Finding, Severity, StartFigures, sorted_findings
from functune.doctor.formats.registry import DIAGNOSIS_FORMS
from functune.doctor.registry import RULES

SARIF = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["tool", "results"],
                "properties": {
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "type": "object",
                                "required": ["name", "rules"],
                                "properties": {
                                    "rules": {
                                        "type": "array",
                                        "uniqueItems": True,
                                        "items": {"type": "object", "required": ["id"]},
                                    }
                                },
                            }
                        },
                    },
                    "results": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["message", "ruleId", "ruleIndex", "level"],
                            "properties": {
                                "level": {"enum": ["none", "note", "warning", "error"]},
                                "ruleIndex": {"type": "integer", "minimum": 0},
                                "message": {
                                    "type": "object",
                                    "required": ["text"],
                                    "properties": {"text": {"type": "string", "minLength": 1}},
                                },
                                "locations": {
                                    "type": "array",
                                    "items": {
                                        "type": "object",
                                        "required": ["physicalLocation"],
                                        "properties": {
                                            "physicalLocation": {
                                                "type": "object",
                                                "required": ["artifactLocation"],
                                                "properties": {
                                                    "artifactLocation": {
                                                        "type": "object",
                                                        "required": ["uri", "uriBaseId"],
                                                        "properties": {
                                                            "uri": {"type": "string", "pattern": r"^[^ \\]+$"}
                                                        },
                                                    },
                                                    "region": {
                                                        "type": "object",
                                                        "required": ["startLine"],
                                                        "properties": {"startLine": {"type": "integer", "minimum": 1}},
                                                    },
                                                },
                                            }
                                        },
                                    },
                                },
                            },
                        },
                    },
                },
            },
        },
    },
}
"""The parts of the schema of SARIF 2.1.0 (OASIS) that a log of the doctor uses, with what code scanning needs."""


def finding(rule: str, severity: Severity, file: str | None = None, line: int | None = None, **more: str) -> Finding:
    texts = {"seen": f"Seen by {rule}.", "why": "It matters.", "remedy": "Repair it."} | more
    return Finding(rule=rule, severity=severity, file=file, line=line, **texts)


FINDINGS = sorted_findings(
    [
        finding("requirement-unpinned", "note", "requirements.txt", 2),
        finding("check_otel", "note", source="azure-functions-doctor"),
        finding("blocking-call", "error", "my shop/orders.py", 31, seen='It says "<wait>" & \x00 waits.'),
        finding("client-per-request", "warning", "shop/orders.py", 12),
    ]
)
DIAGNOSIS = Diagnosis(
    app="shop",
    plan="flex",
    memory_mb=2048,
    findings=FINDINGS,
    checked=tuple(RULES),
    notes=("Something was not looked at.",),
    start=StartFigures(import_seconds=1.5, imports=(("pandas", 0.9),), worker_mb=80.0, process_count=2),
)


def shown(form: str, threshold: Severity = "error") -> str:
    return DIAGNOSIS_FORMS[form](DIAGNOSIS, threshold)


def test_findings_are_sorted_the_worst_first_and_each_once() -> None:
    assert [each.severity for each in FINDINGS] == ["error", "warning", "note", "note"]
    assert sorted_findings([*FINDINGS, *FINDINGS]) == FINDINGS


def test_text_has_place_rule_and_remedy_of_each_finding_and_ends_with_the_counts() -> None:
    text = shown("text")
    assert "error [blocking-call]\n  my shop/orders.py:31\n" in text
    assert "note [check_otel]\n  the app\n" in text
    assert text.count("Remedy: Repair it.") == len(FINDINGS)
    assert "Something was not looked at." in text
    assert "The import of the app takes 1.50 s: pandas 900 ms" in text
    assert text.splitlines()[-1] == (
        f"shop: 1 finding of severity error or worse (1 error, 1 warning, 2 notes; {len(RULES)} rules)."
    )


def test_text_shows_what_findings_of_a_rule_share_once() -> None:
    same = [finding("blocking-call", "error", "orders.py", line) for line in (3, 9)]
    others = [finding("blocking-call", "error", "stock.py", 5, remedy="Await it.")]
    shared = DIAGNOSIS_FORMS["text"](msgspec.structs.replace(DIAGNOSIS, findings=tuple(same)), "error")
    assert [shared.count(text) for text in ("[blocking-call]", "It matters.", "Repair it.", "orders.py:")] == [
        1,
        1,
        1,
        2,
    ]
    mixed = DIAGNOSIS_FORMS["text"](msgspec.structs.replace(DIAGNOSIS, findings=(*same, *others)), "error")
    assert [mixed.count(text) for text in ("[blocking-call]", "It matters.", "Repair it.", "Await it.")] == [1, 1, 2, 1]


def test_json_holds_the_whole_diagnosis() -> None:
    document = json.loads(shown("json", "warning"))
    assert (document.pop("threshold"), document.pop("healthy")) == ("warning", False)
    assert msgspec.convert(document, Diagnosis) == DIAGNOSIS


@pytest.mark.parametrize("threshold", ["error", "warning", "note"])
def test_sarif_is_as_its_schema_wants_it(threshold: Severity) -> None:
    log = json.loads(shown("sarif", threshold))
    jsonschema.validate(log, SARIF)
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rules[each["ruleIndex"]]["id"] for each in run["results"]] == [each.rule for each in FINDINGS]
    location = run["results"][0]["locations"][0]["physicalLocation"]
    assert location["artifactLocation"]["uri"] == "my%20shop/orders.py"
    assert location["region"] == {"startLine": 31}
    (other,) = [each for each in run["results"] if each["ruleId"] == "check_otel"]
    assert "locations" not in other


@pytest.mark.parametrize(("threshold", "failing"), [("error", 1), ("warning", 2), ("note", 4)])
def test_junit_has_a_case_for_each_rule_and_fails_those_at_the_threshold(threshold: Severity, failing: int) -> None:
    root = ElementTree.fromstring(shown("junit", threshold))
    (suite,) = root
    cases = suite.findall("testcase")
    assert [case.get("name") for case in cases] == [*RULES, "check_otel"]
    failed = [case for case in cases if case.find("failure") is not None]
    assert len(failed) == failing == int(suite.get("failures", ""))
    assert suite.get("tests") == str(len(cases))
    assert '"<wait>" &' in str(failed[0].find("failure").text)  # type: ignore[union-attr]
    assert len(failed) + len(suite.findall("testcase/system-out")) == len(FINDINGS)


def test_healthy_diagnosis_says_so() -> None:
    healthy = msgspec.structs.replace(DIAGNOSIS, findings=())
    assert "shop: healthy (0 errors, 0 warnings, 0 notes" in DIAGNOSIS_FORMS["text"](healthy, "note")
    assert json.loads(DIAGNOSIS_FORMS["json"](healthy, "note"))["healthy"] is True
    assert json.loads(DIAGNOSIS_FORMS["sarif"](healthy, "note"))["runs"][0]["results"] == []
