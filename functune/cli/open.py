"""functune open."""

from pathlib import Path

import click

from functune.cli.completing import RunPath
from functune.cli.folders import run_or_newest
from functune.errors import RunFolderError
from functune.report.links import PAGE
from functune.run.folder import RunFolder


@click.command("open")
@click.argument("folder", type=RunPath(), required=False, metavar="[RUN]")
@click.option("--print", "only_print", is_flag=True, help="Print the URL of the report alone, and open nothing.")
def open_report(folder: Path | None, only_print: bool) -> None:
    """
    Open the report of a run in the browser.

    RUN is the folder of a run.  [default: the newest in ./runs]

    Where no browser can be opened, the place of the report is printed. The variable BROWSER chooses another browser.

    \b
    Examples:
      functune open
      functune open runs/2026-11-21-063000
      functune open --print

    Exit codes: 0 fine, 2 wrong usage, 3 the folder holds no report.
    """
    import webbrowser

    url = report_url(run_or_newest(folder))
    click.echo(url)
    if not only_print and not webbrowser.open(url):
        click.echo("No browser could be opened: open this place yourself.", err=True)


def report_url(run: Path) -> str:
    """The URL of the report of a run. Raises RunFolderError where there is none."""
    page = RunFolder.open(run).path / PAGE
    if not page.is_file():
        raise RunFolderError(
            f"{run} has no {PAGE} yet: `functune watch {run}` shows it while it is measured, and `functune report "
            f"{run}` writes it"
        )
    return page.resolve().as_uri()
