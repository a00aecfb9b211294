"""The diagnosis of an app: every rule, and the findings of the other doctor."""

from functune.doctor.finding import Diagnosis, sorted_findings
from functune.doctor.other_doctor import NOT_INSTALLED, find_other_doctor, other_findings
from functune.doctor.reading.inspected import InspectedApp
from functune.doctor.registry import RULES
from functune.doctor.rule import Rule
from functune.packages.app_packages import AppPackages


def diagnose(app: InspectedApp, packages: AppPackages) -> Diagnosis:
    """Apply the rules, and add what azure-functions-doctor finds where it is installed."""
    findings = [finding for rule in RULES.values() for finding in rule.findings(app)]
    program = find_other_doctor(packages)
    if program is not None:
        findings += other_findings(program, app.root, plan=app.plan)
    return Diagnosis(
        app=app.root.name,
        plan=app.plan,
        memory_mb=app.memory_mb,
        findings=sorted_findings(findings),
        checked=tuple(rule.id for rule in RULES.values() if is_answered(rule, app)),
        notes=(*(app.run.notes if app.run is not None else ()), *((NOT_INSTALLED,) if program is None else ())),
        start=app.start,
    )


def is_answered(rule: Rule, app: InspectedApp) -> bool:
    """Whether the app was given what the rule looks at."""
    has_memory = app.memory_mb is not None and (app.run is not None or app.start is not None)
    return {
        "the files": True,
        "--for": app.plan is not None,
        "--run": app.run is not None,
        "--measure": app.start is not None,
        "--memory, with --run or --measure": has_memory,
    }[rule.needs]
