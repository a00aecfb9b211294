"""The app as a run measured it: for each plan the setting to use there, and the curve of one instance with it."""

from collections.abc import Mapping, Sequence

import msgspec

from functune.analysis.experiment import ExperimentFindings, SubjectFindings
from functune.analysis.verdict.strategies import NoChoice
from functune.capacity.configuration import PLANNED_SIZES
from functune.capacity.curve import InstanceCurve, instance_curve
from functune.errors import UsageError
from functune.plans.advice import choices_for
from functune.plans.plan import HostingPlan
from functune.plans.registry import PLANS
from functune.run.measurement import Measurement
from functune.setting import Setting


class MeasuredApp(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """The app with one setting."""

    setting: Setting
    curve: InstanceCurve
    peak_mb: float
    """The most memory that its workers used; 0 where nothing reports it."""


class NotPlanned(msgspec.Struct, frozen=True, kw_only=True):
    """A plan or configuration that is left out, and why."""

    title: str
    """The plan or the configuration."""
    reason: str
    """Why it is left out."""


def subject_to_plan(
    findings: Sequence[ExperimentFindings], *, experiment: str | None, route: str | None
) -> tuple[ExperimentFindings, SubjectFindings]:
    """
    The subject that is asked for, or the only one there is.

    Raises UsageError that names the choices where there are several, or none of that name.
    """
    found = [
        (each, subject)
        for each in findings
        for subject in each.subjects
        if experiment in (None, each.name) and route in (None, str(subject.subject))
    ]
    if len(found) == 1:
        return found[0]
    known = "; ".join(f"{each.name}: {', '.join(str(one.subject) for one in each.subjects)}" for each in findings)
    problem = "the run has several subjects" if found else "the run has no such subject"
    raise UsageError(f"{problem}: choose one with --experiment and --route; there are {known}")


def measured_apps(
    findings: ExperimentFindings, subject: SubjectFindings, measured: Sequence[Measurement]
) -> tuple[dict[str, MeasuredApp], tuple[NotPlanned, ...]]:
    """The app for each plan that can run it, by the plan's name, and the plans that cannot."""
    apps: dict[str, MeasuredApp] = {}
    left_out = []
    for name in PLANNED_SIZES:
        found = app_on(planning_rules(name, findings), findings, subject, measured)
        if isinstance(found, MeasuredApp):
            # The same setting on several plans is one app, whose instances are simulated once.
            apps[name] = next((each for each in apps.values() if each.setting == found.setting), found)
        else:
            left_out.append(NotPlanned(title=PLANS[name].title, reason=found))
    return apps, tuple(left_out)


def planning_rules(name: str, findings: ExperimentFindings) -> HostingPlan:
    """
    The plan whose rules choose the setting: a function app on App Service or Container Apps has the knobs of Premium.
    """
    plan = PLANS[name]
    runs_it = any(plan.allows(level.setting) for level in findings.levels)
    return plan if runs_it or name in ("flex", "premium") else PLANS["premium"]


def app_on(
    plan: HostingPlan, findings: ExperimentFindings, subject: SubjectFindings, measured: Sequence[Measurement]
) -> MeasuredApp | str:
    """The app with the setting to use on a plan, or why there is none."""
    if not any(plan.allows(level.setting) for level in subject.levels):
        return "no setting that it allows was measured"
    choice = choices_for(findings, plan)[subject.subject]
    if isinstance(choice, NoChoice):
        return choice.reason
    own = [level for level in subject.levels if level.setting == choice.setting]
    of_setting = [
        each
        for each in measured
        if (each.experiment, each.subject, each.setting) == (findings.name, subject.subject, choice.setting)
    ]
    curve = instance_curve(own, of_setting)
    if curve is None:
        return "no step of its setting worked"
    peaks = [level.figures.worker_peak_mb or level.figures.host_memory_mb or 0.0 for level in own]
    return MeasuredApp(setting=choice.setting, curve=curve, peak_mb=max(peaks))


def why_too_large(app: MeasuredApp, memory_mb: int) -> str | None:
    """Why an app does not fit an instance; None where it does."""
    if app.peak_mb <= memory_mb:
        return None
    return f"its workers used {app.peak_mb:,.0f} MB, an instance has {memory_mb:,}"


def settings_by_plan(apps: Mapping[str, MeasuredApp]) -> dict[str, Setting]:
    """The setting for each plan."""
    return {name: app.setting for name, app in apps.items()}
