"""The diagnosis as JUnit, so that a CI server lists the rules that fail."""

from collections.abc import Iterable
from xml.etree import ElementTree

from functune.doctor.finding import AppServiceFigures, Diagnosis, Finding, Severity, is_at_least
from functune.report.markup import without_control_characters


def junit_text(diagnosis: Diagnosis, threshold: Severity) -> str:
    """A test case for each rule that was applied; findings below the threshold are output of a case that passes."""
    rules = dict.fromkeys([*diagnosis.checked, *(each.rule for each in diagnosis.findings)])
    failing = {each.rule for each in diagnosis.at_least(threshold)}
    root = ElementTree.Element("testsuites", name="functune doctor")
    suite = ElementTree.SubElement(
        root,
        "testsuite",
        name=without_control_characters(diagnosis.app),
        tests=str(len(rules)),
        failures=str(len(failing)),
        errors="0",
        skipped="0",
    )
    if diagnosis.app_service is not None:
        properties = ElementTree.SubElement(suite, "properties")
        for name, value in start_values(diagnosis.app_service).items():
            ElementTree.SubElement(properties, "property", name=name, value=without_control_characters(value))
    for rule in rules:
        case = ElementTree.SubElement(suite, "testcase", classname="functune.doctor", name=rule)
        found = [each for each in diagnosis.findings if each.rule == rule]
        worse = [each for each in found if is_at_least(each.severity, threshold)]
        if worse:
            failure = ElementTree.SubElement(case, "failure", type=worse[0].severity, message=junit_lines(worse[:1]))
            failure.text = junit_lines(worse)
        if milder := [each for each in found if each not in worse]:
            ElementTree.SubElement(case, "system-out").text = junit_lines(milder)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def start_values(found: AppServiceFigures) -> dict[str, str]:
    """What App Service starts, as properties."""
    return {"step": found.start.step, "command": found.start.command, "workers": found.workers, "tier": found.tier}


def junit_lines(findings: Iterable[Finding]) -> str:
    """A line for each finding."""
    return "\n".join(
        without_control_characters(f"{each.place or 'the app'}: {each.seen} {each.remedy}".strip()) for each in findings
    )
