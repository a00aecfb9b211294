"""The diagnosis of an app: every rule, and the findings of the other doctor."""

from collections.abc import Iterator

from functune.doctor.finding import AppServiceFigures, Diagnosis, sorted_findings
from functune.doctor.other_doctor import NOT_INSTALLED, find_other_doctor, other_findings
from functune.doctor.reading.app_service import AppServiceReading, secret_free
from functune.doctor.reading.inspected import InspectedApp
from functune.doctor.registry import RULES
from functune.doctor.rule import Family, Rule
from functune.doctor.rules.app_service_start import workers_in_words
from functune.packages.app_packages import AppPackages

FUNCTION_FAMILIES: tuple[Family, ...] = ("concurrency", "host.json", "settings")
"""The families of rules for function apps alone."""


def diagnose(app: InspectedApp, packages: AppPackages) -> Diagnosis:
    """Apply the rules, and add what azure-functions-doctor finds where it is installed."""
    applied = [rule for rule in RULES.values() if is_answered(rule, app)]
    findings = [finding for rule in applied for finding in rule.findings(app)]
    program = find_other_doctor(packages) if app.is_function_app else None
    if program is not None:
        findings += other_findings(program, app.root, plan=app.plan)
    return Diagnosis(
        app=app.root.name,
        plan=app.plan,
        memory_mb=app.memory_mb,
        findings=sorted_findings(findings),
        checked=tuple(rule.id for rule in applied),
        notes=tuple(notes_on(app, has_other=program is not None)),
        start=app.start,
        app_service=None if app.app_service is None else app_service_figures(app.app_service),
    )


def notes_on(app: InspectedApp, *, has_other: bool) -> Iterator[str]:
    """What was not looked at, and the reason."""
    yield from app.run.notes if app.run is not None else ()
    if app.is_function_app and not has_other:
        yield NOT_INSTALLED
    if app.app_service is None:
        return
    if not app.syntax.modules.by_name and not app.syntax.modules.broken:
        yield "No code was read: it is not known which module makes the app; name it with --startup-file COMMAND."
    for name in app.app_service.unknown:
        file = app.app_service.settings[name].file
        yield f"{file} computes {name}; add --setting {name}=VALUE with its value, or it counts as unset."
    if app.run is None and app.start is None:
        yield "The memory of the workers is not known; --run RUN with --tier compares it with that of an instance."


def app_service_figures(reading: AppServiceReading) -> AppServiceFigures:
    """What starts, with the instance."""
    return AppServiceFigures(
        python=".".join(map(str, reading.python.version)),
        python_said_by=reading.python.said_by,
        tier=reading.tier,
        cores=reading.deployed.cores,
        memory_mb=reading.instance.memory_mb,
        start=secret_free(reading.decision),
        workers=workers_in_words(reading),
    )


def is_answered(rule: Rule, app: InspectedApp) -> bool:
    """Whether the app was given what the rule looks at. A web app has none of the files of a function app."""
    if rule.family in FUNCTION_FAMILIES and not app.is_function_app:
        return False
    has_memory = app.memory_mb is not None and (app.run is not None or app.start is not None)
    return {
        "the files": True,
        "--for": app.plan is not None,
        "--plan app-service": app.app_service is not None,
        "--run": app.run is not None,
        "--measure": app.start is not None,
        "--memory or --tier, with --run or --measure": has_memory,
    }[rule.needs]
