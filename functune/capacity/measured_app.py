"""The app as a run measured it: for each plan the setting to use there, and the curves of one instance with it."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from functune.analysis.experiment import ExperimentFindings, SubjectFindings
from functune.analysis.numbers.levels import Level
from functune.analysis.verdict.strategies import NoChoice
from functune.capacity.app_curves import AppCurves
from functune.capacity.configuration import PLANNED_SIZES, Configuration
from functune.capacity.curve import InstanceCurve, instance_curve
from functune.errors import UsageError
from functune.formatting import joined
from functune.plans.advice import choices_for
from functune.plans.plan import HostingPlan
from functune.plans.registry import PLANS
from functune.run.measurement import Measurement
from functune.setting import Setting
from functune.shapes import InstanceShape, cores_in_words


class MeasuredApp(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """The app with one setting."""

    setting: Setting
    """Without the instance that it was measured on."""
    curves: AppCurves
    peak_mb: float
    """The most memory that its workers used; 0 where nothing reports it."""
    unfit: Mapping[tuple[str, str], str] = {}
    """Why it does not fit the instances on which the kernel ended it, by plan and size."""


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
    given = " ".join(
        f"{flag} {value}" for flag, value in (("--experiment", experiment), ("--route", route)) if value is not None
    )
    problem = "the run has several subjects" if found else "the run has no such subject"
    raise UsageError(
        f"{f'{given}: ' if given else ''}{problem}: choose one with --experiment and --route; there are {known}"
    )


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
    setting = anywhere(choice.setting)
    unfit = unfit_instances(findings, subject, setting)
    own = [each for each in subject.levels if anywhere(each.setting) == setting and each.setting.instance not in unfit]
    mine = [each for each in measured if (each.experiment, each.subject) == (findings.name, subject.subject)]
    curves = curves_by_instance(own, mine)
    if not curves:
        return "no step of its setting worked on a single instance"
    peaks = [level.figures.worker_peak_mb or level.figures.host_memory_mb or 0.0 for level in own]
    return MeasuredApp(
        setting=setting,
        curves=AppCurves(
            widest=max(curves.items(), key=lambda each: math.inf if each[0] is None else each[0].cores)[1],
            measured=on_plans(curves),
        ),
        peak_mb=max(peaks),
        unfit=on_plans(unfit),
    )


def anywhere(setting: Setting) -> Setting:
    """The setting without its instance."""
    return msgspec.structs.replace(setting, instance=None)


def curves_by_instance(
    levels: Iterable[Level], measured: Sequence[Measurement]
) -> dict[InstanceShape | None, InstanceCurve]:
    """The curve of one setting on each instance that it was measured on; None is the whole machine."""
    groups: defaultdict[Setting, list[Level]] = defaultdict(list)
    for level in levels:
        groups[level.setting].append(level)
    found = {
        setting.instance: instance_curve(
            own,
            [each for each in measured if each.setting == setting],
            cores=None if setting.instance is None else setting.instance.cores,
        )
        for setting, own in groups.items()
    }
    return {instance: curve for instance, curve in found.items() if curve is not None}


def unfit_instances(
    findings: ExperimentFindings, subject: SubjectFindings, setting: Setting
) -> dict[InstanceShape | None, str]:
    """The instances whose memory a setting does not fit, each with the reason."""
    return {
        each.setting.instance: each.reason
        for each in findings.failed
        if each.unfit_mb is not None and each.subject == subject.subject and anywhere(each.setting) == setting
    }


def on_plans[Value](by_instance: Mapping[InstanceShape | None, Value]) -> dict[tuple[str, str], Value]:
    """The values of those instances that a plan has, by plan and size."""
    return {
        (shape.plan, shape.size): value
        for shape, value in by_instance.items()
        if shape is not None and shape.plan is not None and shape.size is not None
    }


def why_too_large(app: MeasuredApp, configuration: Configuration) -> str | None:
    """Why an app does not fit the instances of a configuration; None where it does."""
    size, memory_mb = (configuration.plan, configuration.size), configuration.instance.memory_mb
    if size in app.unfit:
        return app.unfit[size]
    if size in app.curves.measured or app.peak_mb <= memory_mb:
        return None
    return f"its workers used {app.peak_mb:,.0f} MB, an instance has {memory_mb:,}"


def settings_by_plan(apps: Mapping[str, MeasuredApp]) -> dict[str, Setting]:
    """The setting for each plan."""
    return {name: app.setting for name, app in apps.items()}


def shapes_note(apps: Mapping[str, MeasuredApp]) -> str | None:
    """The sizes that were measured, and where the others follow from; None where no instance was limited."""
    curves = {size: app.curves for plan, app in apps.items() for size in app.curves.measured if size[0] == plan}
    if not curves:
        return None
    sizes = joined([f"{PLANS[plan].title} {size}" for plan, size in curves])
    widest = dict.fromkeys(each.widest.cores for each in curves.values())
    rest = joined(["the whole machine" if cores is None else cores_in_words(cores) for cores in widest])
    return f"Measured on an instance of that size: {sizes}. The others follow from what was measured on {rest}."
