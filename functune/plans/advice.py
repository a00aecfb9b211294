"""The settings to apply on a hosting plan: the best of those it allows, in the names and forms that the plan takes."""

from collections.abc import Mapping, Sequence

import msgspec

from functune.analysis.experiment import ExperimentFindings
from functune.analysis.numbers.memory import settings_too_large
from functune.analysis.verdict.advice import Advice, advise
from functune.analysis.verdict.limiter_line import limiter_note
from functune.analysis.verdict.recommendation import Recommendation, aim_of, recommend
from functune.analysis.verdict.strategies import NoChoice
from functune.errors import UsageError
from functune.experiments.subject import Subject
from functune.formatting import joined, number, rate
from functune.plans.plan import NOTHING_ASKED, Asked, Chosen, HostingPlan, ParameterValue, on_its_instance
from functune.plans.registry import PLANS, price_for
from functune.plans.texts import bicepparam, comment_lines, local_settings
from functune.setting import Setting
from functune.shapes import InstanceSize, cores_in_words

FORMS = {
    "local-settings": "local_settings",
    "bicep": "bicepparam",
    "fragment": "fragment",
    "commands": "commands",
    "startup": "start_command",
}
"""The fields of PlanAdvice that are texts to apply, by their value of --format."""
COMMENT_SIGNS = {"fragment": "//", "commands": "#"}
"""The beginning of a comment, for the forms that get the notes as comments; a parameters file contains them already."""


class PlanAdvice(msgspec.Struct, frozen=True, kw_only=True):
    """The setting to use on one plan for some subjects of an experiment, and how to apply it."""

    plan: str
    """The plan, as ``--plan`` takes it."""
    experiment: str
    """The name of the experiment."""
    subjects: tuple[Subject, ...]
    """The requests that it is for."""
    setting: Setting
    """The setting to use."""
    app_settings: dict[str, str | None]
    """Values by name; None: leave unset."""
    parameters: dict[str, ParameterValue]
    """Parameters of the plan's Bicep template; none where there is no template that sets it."""
    notes: tuple[str, ...]
    """The origin and the limits of the values, a sentence each."""
    template_notes: tuple[str, ...] = ()
    """Those of the notes that are about the plan's template in infra/."""
    size: str | None = None
    """The size of an instance that the notes and the cost are for; None for a plan without sizes."""
    cost: float | None = None
    """
    Cost of a million requests in US dollars, on an always busy instance as fast as the machine that measured.

    It compares settings and is no budget; None where no price is known.
    """
    local_settings: str
    """The "Values" of local.settings.json."""
    bicepparam: str | None
    """A parameters file for the plan's template in infra/; None where there is no template that sets it."""
    fragment: str | None
    """Bicep to merge into a template of the reader's own; None for "local"."""
    commands: str | None
    """Commands of the Azure CLI for an app that exists; None for "local"."""
    start_command: str | None = None
    """The complete command that starts the web server; None for a plan of the Functions host."""

    @property
    def comments(self) -> tuple[str, ...]:
        """The setting and its requests, and the notes but those about the template in infra/."""
        notes = (note for note in self.notes if note not in self.template_notes)
        return (advice_heading(self.setting, self.subjects, self.experiment), *notes)


def advice_for_plans(
    findings: ExperimentFindings, asked: Mapping[str, Asked] = {}, *, entry: str | None = None
) -> tuple[PlanAdvice, ...]:
    """
    The advice for every plan that allows a setting of the experiment, in the order of the registry.

    ``asked`` has what the reader asks of a plan, by its name; ``entry`` is the app of a web server as
    ``module:callable``, None for a function app.
    """
    return tuple(
        each
        for plan in PLANS.values()
        for each in advice_for(findings, plan, asked.get(plan.name, NOTHING_ASKED), entry=entry)
    )


def advice_for(
    findings: ExperimentFindings, plan: HostingPlan, asked: Asked = NOTHING_ASKED, *, entry: str | None = None
) -> tuple[PlanAdvice, ...]:
    """
    The advice for one plan, one entry per setting to use; none where there was nothing to choose.

    It is that of the experiment where the plan allows all its settings, else the best of those it allows.
    """
    compared = {level.setting for level in findings.levels} | {skip.setting for skip in findings.skipped}
    if not any(map(plan.allows, compared)):
        return ()
    choices = choices_for(findings, plan, asked)
    recommended = [each for each in choices.values() if isinstance(each, Recommendation)]
    unmet = (*unmet_notes(choices, plan), *memory_notes(findings, plan, asked))
    advice = advise(recommended, choices=sum(map(plan.allows, compared)))
    return tuple(plan_advice(findings, plan, recommended, each, unmet, asked, entry=entry) for each in advice)


def choices_for(
    findings: ExperimentFindings, plan: HostingPlan, asked: Asked = NOTHING_ASKED
) -> dict[Subject, Recommendation | NoChoice]:
    """
    For each subject the recommendation among the settings that the plan allows, or why there is none.

    A plan with sizes allows those that fit its size; for the others, the memory is the one of the experiment.
    """
    settings, size = {level.setting for level in findings.levels}, size_to_fit(findings, plan, asked)
    if size is None and all(map(plan.allows, settings)):
        return {each.subject: each.recommended or NoChoice(reason=each.unmet) for each in findings.subjects}
    aim = aim_of(findings.experiment, price_for(findings.experiment.priced_memory_mb))
    if size is not None:
        aim = msgspec.structs.replace(aim, memory_mb=size.memory_mb)
    return {
        each.subject: recommend(
            each.subject, each.levels, aim=aim, limit=findings.limits[str(each.subject)], allows=plan.allows
        )
        for each in findings.subjects
    }


def unmet_notes(choices: Mapping[Subject, Recommendation | NoChoice], plan: HostingPlan) -> tuple[str, ...]:
    """The subjects for which no setting of a plan can be recommended, each with the reason."""
    return tuple(
        f"No setting measured for {plan.title} can be recommended for {subject}: {choice.reason}"
        for subject, choice in choices.items()
        if isinstance(choice, NoChoice)
    )


def memory_notes(findings: ExperimentFindings, plan: HostingPlan, asked: Asked) -> tuple[str, ...]:
    """The settings that a plan with sizes would allow, and that do not fit the memory of the size."""
    size = size_to_fit(findings, plan, asked)
    if size is None:
        return ()
    allowed = [level for level in findings.levels if plan.allows(level.setting)]
    large = settings_too_large(allowed, size.memory_mb)
    peaks = {
        setting: max(level.figures.worker_peak_mb or 0.0 for level in allowed if level.setting == setting)
        for setting in sorted(large, key=lambda setting: setting.simplicity)
    }
    if not peaks:
        return ()
    used = joined([f"{setting.in_words} ({number(peak)} MB)" for setting, peak in peaks.items()])
    return (f"Not considered, since an instance of the size {size.name} has {size.memory_mb:,} MB: {used}.",)


def size_to_fit(findings: ExperimentFindings, plan: HostingPlan, asked: Asked) -> InstanceSize | None:
    """The size whose memory settings must fit; None for a plan without sizes, and where the kernel gave the limit."""
    limited = any(level.setting.instance is not None for level in findings.levels if plan.allows(level.setting))
    return None if limited else plan.size(asked)


def quota_notes(findings: ExperimentFindings, setting: Setting) -> tuple[str, ...]:
    """How the instance of a setting was measured; none for the whole machine, and for real instances elsewhere."""
    if (shape := setting.instance) is None or findings.cores is None:
        return ()
    return (
        f"Measured with a quota of {cores_in_words(shape.cores)} of this machine and a limit of {shape.memory_mb:,} "
        f"MB: a core of the platform may be faster or slower, and how {shape} limits its cores there is unconfirmed.",
    )


def plan_advice(
    findings: ExperimentFindings,
    plan: HostingPlan,
    recommended: Sequence[Recommendation],
    advice: Advice,
    unmet: Sequence[str],
    asked: Asked,
    *,
    entry: str | None,
) -> PlanAdvice:
    """One setting on one plan."""
    setting = advice.setting
    served = [
        each
        for one in recommended
        if one.subject in advice.subjects
        for each in one.evidence
        if each.setting == setting
    ]
    given = Chosen(
        setting=setting,
        users=max((each.users for each in served), default=None),
        throughput=min((each.throughput for each in served), default=None),
        cores=findings.cores,
        memory_mb=findings.experiment.memory_mb,
        asked=asked,
        entry=entry,
    )
    chosen = on_its_instance(given, plan.name)
    size, parameters, app_settings = plan.size(chosen.asked), plan.parameters(chosen), plan.app_settings(chosen)
    template_notes = plan.template_notes(chosen)
    notes = (
        *filter(None, [limiter_note(setting)]),
        *unmet,
        *excluded_notes(findings, plan, recommended, advice),
        *quota_notes(findings, setting),
        *plan.notes(chosen),
        *template_notes,
    )
    comments = (advice_heading(setting, advice.subjects, findings.name), *notes)
    return PlanAdvice(
        plan=plan.name,
        experiment=findings.name,
        subjects=advice.subjects,
        setting=setting,
        app_settings=app_settings,
        parameters=parameters or {},
        notes=notes,
        template_notes=template_notes,
        size=None if size is None else size.name,
        cost=plan.cost(chosen),
        local_settings=local_settings(app_settings),
        bicepparam=bicepparam(plan.template, parameters, comments) if plan.template and parameters else None,
        fragment=plan.fragment(chosen),
        commands=plan.commands(chosen),
        start_command=plan.start_command(chosen),
    )


def advice_heading(setting: Setting, subjects: Sequence[Subject], experiment: str) -> str:
    """The setting, and the requests and the experiment that it is for."""
    return f"functune: {setting.in_words}, for {', '.join(map(str, subjects))} ({experiment})"


def excluded_notes(
    findings: ExperimentFindings, plan: HostingPlan, recommended: Sequence[Recommendation], advice: Advice
) -> list[str]:
    """The throughput of settings that the plan does not allow, where one of them is the best of all."""
    found = []
    for general in findings.recommendations:
        if plan.allows(general.setting) or general.subject not in advice.subjects:
            continue
        here = [each for one in recommended if one.subject == general.subject for each in one.evidence]
        ours = next(each for each in here if each.setting == advice.setting)
        found.append(
            f"{general.subject}: {general.setting.in_words} served {rate(general.best.throughput)} and cannot be set "
            f"on {plan.title}; {advice.setting.in_words} served {rate(ours.throughput)}."
        )
    return found


def single_advice(apply: Sequence[PlanAdvice], *, plan: str, experiment: str | None) -> PlanAdvice:
    """
    The advice for a plan, of an experiment or of the only one there is.

    Raises UsageError that names the choices when there is none or more than one.
    """
    names = list(dict.fromkeys(each.experiment for each in apply))
    if experiment is not None and experiment not in names:
        known = f"it has {', '.join(names)}" if names else "it recommends nothing"
        raise UsageError(f"--experiment {experiment}: the run has no advice for it; {known}")
    found = [each for each in apply if each.plan == plan and experiment in (None, each.experiment)]
    if not found:
        others = joined(list(dict.fromkeys(each.plan for each in apply)))
        raise UsageError(
            f"the run recommends no setting for {plan}: none that it allows was compared, or none worked and fits its "
            f"memory; {f'it has settings for {others}' if others else 'its report has the reason'}"
        )
    if len({each.experiment for each in found}) > 1:
        raise UsageError(f"the run has several experiments: choose one with --experiment {' or '.join(names)}")
    if len(found) > 1:
        routes = "; ".join(", ".join(map(str, each.subjects)) for each in found)
        raise UsageError(
            f"{found[0].experiment} recommends a setting of its own for each of {routes}: an app has one setting, so "
            "measure the routes as experiments of their own and decide"
        )
    return found[0]


def advice_text(found: PlanAdvice, form: str) -> str:
    """The advice in one of FORMS. Raises UsageError where the plan, or its template, has no such form."""
    text = getattr(found, FORMS[form])
    if isinstance(text, str):
        comments = comment_lines(COMMENT_SIGNS[form], found.comments) if form in COMMENT_SIGNS else []
        return "\n".join([*comments, text.rstrip("\n")]) + "\n"
    if form == "bicep" and found.template_notes:
        raise UsageError(f"--format {form}: {' '.join(found.template_notes)}")
    plans = [plan.name for plan in PLANS.values() if (plan.sizes if form == "startup" else plan.template)]
    raise UsageError(f"--format {form}: allowed with --plan {' or '.join(plans)}, the plan is {found.plan}")
