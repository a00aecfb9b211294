"""
What to set on a hosting plan: the same advice in the names that each plan and this project's templates have for it.

FUNCTIONS_WORKER_PROCESS_COUNT is documented as not valid on Flex Consumption, so it is never given for that plan; there
the number of requests an instance gets at a time and its memory are settings of the site instead.
"""

from typing import Literal

import msgspec

from functune.analysis.bounds import UNSET_THREADS
from functune.analysis.formatting import plural
from functune.analysis.recommendation import PROCESSES, THREADS, settings_to_set
from functune.analysis.strategies import candidates, knee
from functune.analysis.verdict import Advice, Analysis
from functune.measurements import Setting

type Plan = Literal["local", "flex", "premium"]
PLANS: tuple[Plan, ...] = ("local", "flex", "premium")
MAX_CONCURRENT = "AzureFunctionsJobHost__extensions__http__maxConcurrentRequests"
"""host.json's limit as an app setting: requests beyond it wait in the host."""
MOST_PER_INSTANCE = 1000
"""What perInstanceConcurrency may be at most."""


class PlanSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What to set on one plan for some routes of an experiment."""

    plan: Plan
    experiment: str
    routes: tuple[str, ...]
    setting: Setting
    app_settings: dict[str, str | None]
    """By name; None is to be left unset."""
    parameters: dict[str, int]
    """Of infra/main.bicep for "flex", of infra/premium.bicep for "premium"; none for "local"."""
    notes: tuple[str, ...]
    """Where a value comes from and what it does not say, a sentence each."""


def plan_settings(analysis: Analysis, plan: Plan) -> tuple[PlanSettings, ...]:
    """One per advice. For "flex" give the analysis of that plan, which leaves out settings with several processes."""
    if plan == "flex" and any(advice.setting.process_count > 1 for advice in analysis.advice):
        raise ValueError(f"{analysis.experiment.name}: analyse it for the plan flex first, where one process is all")
    return tuple(settings_for(analysis, advice, plan) for advice in analysis.advice)


def settings_for(analysis: Analysis, advice: Advice, plan: Plan) -> PlanSettings:
    """What one advice comes to on a plan."""
    setting = advice.setting
    app_settings = settings_to_set(setting, plan=plan)
    parameters: dict[str, int] = {}
    notes: list[str] = []
    if plan == "flex":
        parameters["instanceMemoryMB"] = analysis.experiment.memory_mb
        concurrency = setting.per_instance_concurrency or fewest_users(analysis, advice)
        if concurrency is not None:
            parameters["perInstanceConcurrency"] = min(concurrency, MOST_PER_INSTANCE)
            if setting.per_instance_concurrency is None:
                notes.append(
                    f"perInstanceConcurrency: {plural(concurrency, 'user')} at a time gave 95 % of the most throughput "
                    "on the machine that measured; an instance has other cores, so measure there before relying on it."
                )
        notes.append(f"{PROCESSES} is documented as not valid on Flex Consumption, so it is not set.")
    elif setting.per_instance_concurrency is not None:
        app_settings[MAX_CONCURRENT] = str(setting.per_instance_concurrency)
    if plan == "premium":
        parameters["workerProcessCount"] = setting.process_count
        if setting.per_instance_concurrency is not None:
            parameters["maxConcurrentRequests"] = setting.per_instance_concurrency
    if plan != "local":
        if setting.thread_count is not None:
            parameters["threadCount"] = setting.thread_count
        elif plan == "premium":
            parameters["threadCount"] = UNSET_THREADS
            notes.append(f"threadCount: {UNSET_THREADS} is what the host takes where {THREADS} is unset.")
        else:
            notes.append("threadCount is left out: the template then takes perInstanceConcurrency, so none waits.")
        if setting.app_settings:
            names = ", ".join(name for name, _ in setting.app_settings)
            notes.append(f"{names}: the template has no parameter for it; set it by the command.")
    return PlanSettings(
        plan=plan,
        experiment=analysis.experiment.name,
        routes=advice.routes,
        setting=setting,
        app_settings=app_settings,
        parameters=parameters,
        notes=tuple(notes),
    )


def fewest_users(analysis: Analysis, advice: Advice) -> int | None:
    """The fewest users with 95 % of the most throughput, of the route that wants most; None where nothing worked."""
    knees = []
    for route in advice.routes:
        steps = [step for step in analysis.repeats if step.route == route and step.setting == advice.setting]
        if worked := candidates(steps):
            knees.append(knee(worked).users)
    return max(knees, default=None)
