"""What comes before a sweep of an app on Azure: its present settings, the estimate, and the agreement of the user."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from functune.cli.agreement import offer_restore, require_no_production
from functune.errors import UsageError
from functune.experiments.model import Experiment
from functune.experiments.planned import planned_settings
from functune.formatting import count, number, plural
from functune.hosts.azure import AzureKind
from functune.hosts.kinds import HostKind
from functune.run.folder import RunFolder

if TYPE_CHECKING:
    from functune.azure.site import LiveSite
    from functune.sweep.live_estimate import LiveEstimate
    from functune.sweep.trials import PlannedTrial


def agreed_experiments(
    kind: HostKind, asked: Sequence[Experiment], *, yes: bool, max_cost: float | None
) -> list[Experiment]:
    """
    The experiments with what the app has for the knobs that they do not list, once the user agrees to measure them.

    Raises UsageError where the user does not, HostError where the app cannot be read or does not answer.
    """
    from functune.azure.present import setting_of_site
    from functune.sweep.live_experiment import on_live_app
    from functune.sweep.planner import SearchPlanner

    if not isinstance(kind, AzureKind):
        raise TypeError(f"{kind.name} is not on Azure")
    site, latency = surveyed_app(kind, yes=yes)
    changed = [on_live_app(each, setting_of_site(site)) for each in asked]
    kind.require_settable(
        list(dict.fromkeys(setting for each in changed for setting in planned_settings(each.settings))),
        with_target=[each.name for each in changed if each.workload.target is not None],
    )
    kind.require_settable_on(site)
    planner = SearchPlanner(cores=None)
    trials = [trial for each in changed for trial in planner.trials_left(each, [], [])]
    agree_to_cost(kind, site, trials, latency=latency, max_cost=max_cost)
    return changed


def agree_to_resume(kind: AzureKind, folder: RunFolder, *, yes: bool, max_cost: float | None) -> None:
    """The same for the rest of a run."""
    from functune.sweep.planner import SearchPlanner

    site, latency = surveyed_app(kind, yes=yes)
    planner = SearchPlanner(cores=None)
    measured = folder.measurements()
    trials = [
        trial
        for each in folder.experiments
        for trial in planner.trials_left(each, [step for step in measured if step.experiment == each.name], [])
    ]
    agree_to_cost(kind, site, trials, latency=latency, max_cost=max_cost)


def surveyed_app(kind: AzureKind, *, yes: bool) -> "tuple[LiveSite, float]":
    """
    The app, and the seconds of a single call. What a killed sweep has left behind is restored before.

    Raises UsageError where the user does not agree.
    """

    async def look() -> "tuple[LiveSite, float]":
        async with kind.opened() as live:
            with live.journal.locked():
                await offer_restore(live, yes=yes)
        return await kind.surveyed()

    site, latency = asyncio.run(look())
    require_no_production(site, yes=yes)
    return site, latency


def agree_to_cost(
    kind: AzureKind, site: "LiveSite", trials: "Sequence[PlannedTrial]", *, latency: float, max_cost: float | None
) -> None:
    """Print how long the trials take and what they cost at most. Raises UsageError where that is above the limit."""
    from functune.azure.present import DEFAULT_MEMORY_MB
    from functune.sweep.live_estimate import estimate_live

    if not site.is_flex:
        click.echo(f"{site.id.name} is not on Flex Consumption: its plan costs the same with and without the sweep.")
        return
    found = estimate_live(
        trials,
        seconds=kind.seconds,
        memory=lambda setting: DEFAULT_MEMORY_MB if setting.instance is None else setting.instance.memory_mb,
        maximum_instances=site.most_instances,
        latency=latency,
    )
    for line in estimate_lines(site, found):
        click.echo(line)
    if max_cost is not None and found.cost > max_cost:
        raise UsageError(
            f"the sweep costs up to {number(found.cost)} {found.currency}, and --max-cost is {number(max_cost)}: use "
            "fewer users, settings or repeats, a shorter measure, or a higher --max-cost"
        )


def estimate_lines(site: "LiveSite", found: "LiveEstimate") -> list[str]:
    """The estimate for readers."""
    return [
        f"{site.id.name} restarts for each setting, and gets its own settings back at the end.",
        f"At most {number(max(found.seconds / 60, 1), digits=2)} minutes and {number(found.cost)} {found.currency} "
        f"(prices of {found.prices_of}): {number(found.gb_seconds)} GB-s on up to "
        f"{plural(found.most_instances, 'instance')}, and {count(round(found.executions))} executions. Azure can start "
        "more instances than the load needs, and does not always keep the limit.",
    ]
