"""functune azure show, apply and revert."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from functune.cli.agreement import confirm, offer_restore, require_no_production, yes_option
from functune.cli.answer import Answer, answers
from functune.cli.completing import RunPath, complete_experiments
from functune.run.folder import RunFolder

if TYPE_CHECKING:
    from functune.azure.change import ChangedValue, SiteValues
    from functune.azure.live_app import LiveApp
    from functune.azure.site import LiveSite
    from functune.azure.site_journal import SiteChange


@click.command("show")
@click.argument("app")
@answers()
def show_app(app: str, answer: Answer) -> None:
    """
    Show the concurrency settings of an app, configured and effective, and what is wrong with them.

    APP is the resource id of a function app, as `az functionapp show --query id` prints it. Nothing is changed. The
    values of other app settings are read but not shown.

    \b
    Examples:
      functune azure show "$(az functionapp show -g rg-orders -n orders --query id -o tsv)"
      functune azure show /subscriptions/…/sites/orders --json

    Exit codes: 0 no error among the findings, 1 an error among them, 2 wrong usage, 3 the app could not be read.
    """
    from functune.doctor.formats.text_form import grouped_lines
    from functune.doctor.live import live_findings, site_document
    from functune.terminal.live import open_change_lines, site_lines

    site, changes = asyncio.run(with_app(app, seen))
    findings = live_findings(site)
    answer.give(
        lambda: [*site_lines(site), "", *grouped_lines(findings), *open_change_lines(changes, site)],
        lambda: site_document(site, findings, changes),
    )
    sys.exit(1 if any(each.severity == "error" for each in findings) else 0)


@click.command("apply")
@click.argument("folder", type=RunPath(), metavar="RUN")
@click.argument("app")
@click.option(
    "--experiment",
    metavar="NAME",
    shell_complete=complete_experiments,
    help="The experiment to take the settings from, if the run has several.",
)
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@yes_option
@answers()
def apply_settings(folder: Path, app: str, experiment: str | None, dry_run: bool, yes: bool, answer: Answer) -> None:
    """
    Set what a run recommends.

    RUN is the folder of a run, and APP the resource id of a function app. The command shows the differences first. It
    writes the whole functionAppConfig with the changed fields, and merges the app settings into those of the app. The
    app restarts: calls in flight are lost, unless its update strategy is RollingUpdate.

    \b
    Examples:
      functune azure apply runs/2026-11-21-063000 /subscriptions/…/sites/orders --dry-run
      functune azure apply runs/2026-11-21-063000 /subscriptions/…/sites/orders --experiment threads --yes

    Exit codes: 0 fine, 2 wrong usage, 3 the app could not be read or changed.
    """
    from functune.plans.advice import single_advice
    from functune.report.document import read_document

    document = read_document(RunFolder.open(folder))

    async def applied(live: "LiveApp") -> None:
        from functune.azure.advised import advised_values

        with live.journal.locked():
            await offer_restore(live, yes=yes)
            site = await live.read()
            found = single_advice(document.apply, plan="flex" if site.is_flex else "premium", experiment=experiment)
            values = advised_values(site, found.parameters, found.app_settings)
            for note in found.notes:
                click.echo(f"Note: {note}")
            changes = shown_difference(site, values)
            if changes and not dry_run:
                require_no_production(site, yes=yes)
                if not yes:
                    confirm(f"Change {site.id.name}?")
                live.begin("apply", site, values)
                await live.write(values)
            is_applied = bool(changes) and not dry_run
            answer.give(
                lambda: [f"Applied. `functune azure revert {site.id}` takes it back."] if is_applied else [],
                lambda: {"id": str(site.id), "changes": changes, "is_applied": is_applied, "notes": found.notes},
            )

    asyncio.run(with_app(app, applied))


@click.command("revert")
@click.argument("app")
@yes_option
@answers()
def revert_app(app: str, yes: bool, answer: Answer) -> None:
    """
    Take back the last change that functune made to an app.

    If a sweep was killed, it takes back the changes of that sweep first. It writes only the settings that functune
    changed, with their former values, which are in the journal below the state folder ($XDG_STATE_HOME, else
    ~/.local/state).

    \b
    Example:
      functune azure revert /subscriptions/…/sites/orders

    Exit codes: 0 fine, even if there is nothing to take back, 2 wrong usage, 3 the app could not be changed.
    """

    async def reverted(live: "LiveApp") -> None:
        with live.journal.locked():
            change = live.journal.interrupted() or next(reversed(live.journal.open_changes()), None)
            if change is None:
                nothing = f"There is nothing to restore: functune has left no change in {live.site.name}."
                answer.give(lambda: [nothing], lambda: {"id": str(live.site), "changes": [], "is_restored": False})
                return
            site = await live.read()
            click.echo(f"Before the {change.by} of {change.at}:")
            changes = shown_difference(site, change.before)
            if not yes:
                confirm(f"Restore this to {site.id.name}?")
            await live.undo(change)
            answer.give(lambda: ["Restored."], lambda: {"id": str(site.id), "changes": changes, "is_restored": True})

    asyncio.run(with_app(app, reverted))


async def with_app[Result](text: str, work: "Callable[[LiveApp], Awaitable[Result]]") -> Result:
    """Do something with the app of a resource id."""
    from functune.azure.endpoint import checked_endpoint
    from functune.azure.live_app import LiveApp
    from functune.azure.manager import ResourceManager
    from functune.azure.pace import PACE
    from functune.azure.site_id import parse_site_id
    from functune.azure.site_journal import SiteJournal
    from functune.environ import resource_manager

    site = parse_site_id(text)
    async with ResourceManager.opened(checked_endpoint(resource_manager())) as manager:
        return await work(LiveApp(site, manager, journal=SiteJournal(site), pace=PACE))


async def seen(live: "LiveApp") -> "tuple[LiveSite, list[SiteChange]]":
    """The app and the changes that can be taken back."""
    return await live.read(), live.journal.open_changes()


def shown_difference(site: "LiveSite", values: "SiteValues") -> "list[ChangedValue]":
    """What the values change, which is printed too; nothing where the app has them already."""
    from functune.azure.change import difference

    changes = difference(site, values)
    if not changes:
        click.echo(f"{site.id.name} has these settings already.")
    for each in changes:
        click.echo(each)
    return changes
