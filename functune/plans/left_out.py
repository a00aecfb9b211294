"""The hosting plans for which an experiment gives no settings although they run its host, and why."""

from collections.abc import Mapping

import msgspec

from functune.analysis.experiment import ExperimentFindings
from functune.analysis.verdict.strategies import NoChoice
from functune.plans.advice import choices_for
from functune.plans.plan import NOTHING_ASKED, Asked, HostingPlan
from functune.plans.registry import PLANS
from functune.setting import Setting


class LeftOutPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A hosting plan for which an experiment gives no settings."""

    plan: str
    """The plan, as ``--plan`` takes it."""
    experiment: str
    """The name of the experiment."""
    reason: str
    """Why it gives none, without a full stop."""


def left_out_plans(findings: ExperimentFindings, asked: Mapping[str, Asked] = {}) -> tuple[LeftOutPlan, ...]:
    """The plans without settings; none where the experiment gives no settings at all, since its verdict says why."""
    if not findings.advice:
        return ()
    return tuple(
        LeftOutPlan(plan=plan.name, experiment=findings.name, reason=reason)
        for plan in PLANS.values()
        if (reason := why_left_out(findings, plan, asked.get(plan.name, NOTHING_ASKED)))
    )


def why_left_out(findings: ExperimentFindings, plan: HostingPlan, asked: Asked) -> str:
    """Why a plan gets no settings; empty where it gets some, and for one that runs another kind of host."""
    compared = {level.setting for level in findings.levels} | {skip.setting for skip in findings.skipped}
    if not any(plan.allows(Setting(host=setting.host)) for setting in compared):
        return ""
    allowed = sum(map(plan.allows, compared))
    if not allowed and any(plan.allows(msgspec.structs.replace(setting, instance=None)) for setting in compared):
        return "every setting that it allows was measured on an instance of another plan"
    if allowed < 2:
        return f"{'only one' if allowed else 'no'} setting that it allows was measured"
    choices = choices_for(findings, plan, asked).values()
    reasons = [choice.reason.rstrip(".") for choice in choices if isinstance(choice, NoChoice)]
    if len(reasons) < len(choices):
        return ""
    return f"none of the settings that it allows can be recommended: {'; '.join(dict.fromkeys(reasons))}"
