"""What the user agrees to before an app on Azure is changed."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from functune.errors import UsageError

if TYPE_CHECKING:
    from functune.azure.live_app import LiveApp
    from functune.azure.site import LiveSite


def yes_option[Command: Callable[..., Any]](command: Command) -> Command:
    """Add --yes."""
    return click.option(
        "--yes", is_flag=True, help="Change the app on Azure without asking, even one that looks like production."
    )(command)


def confirm(question: str) -> None:
    """Ask on a terminal. Raises UsageError where the answer is no, or nobody can be asked."""
    if not sys.stdin.isatty():
        raise UsageError(f"{question} There is no terminal to ask on: add --yes to do it")
    if not click.confirm(question):
        raise UsageError("nothing was changed")


def require_no_production(site: "LiveSite", *, yes: bool) -> None:
    """Check that an app does not look like production, unless the user knows. Raises UsageError with the signs."""
    from functune.azure.production import production_signs

    if not yes and (signs := list(production_signs(site))):
        raise UsageError(
            f"{site.id.name} looks like production: {'; '.join(signs)}. Add --yes to change it all the same; "
            "every change restarts it"
        )


async def offer_restore(live: "LiveApp", *, yes: bool) -> None:
    """
    Restore what a killed sweep has left behind, after a question unless ``yes``.

    Raises UsageError where nobody agrees.
    """
    change = live.journal.interrupted()
    if change is None:
        return
    said = f"The sweep of {live.site.name} that began at {change.at} ended before it restored the app."
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError(f"{said} Run `functune azure revert {live.site}` first, or add --yes to do it now")
        confirm(f"{said} Restore it now?")
    await live.undo(change)
    click.echo(f"{live.site.name} has its own settings again, those from before the sweep that began at {change.at}.")
