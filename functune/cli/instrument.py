"""functune instrument."""

from collections.abc import Sequence
from pathlib import Path

import click

from functune.cli.answer import Answer, answers
from functune.cli.folders import existing_folder
from functune.instrument.file import TIMES_FILE, write_times_file
from functune.instrument.functune_times import SETTING, TIMES_VERSION
from functune.instrument.places import AppPlace, places


@click.command("instrument")
@click.argument("folder", type=click.Path(path_type=Path), default=Path(), metavar="[DIR]")
@click.option("--force", is_flag=True, help=f"Replace another {TIMES_FILE} that is in DIR.")
@answers()
def instrument_app(folder: Path, force: bool, answer: Answer) -> None:
    """
    Write the file with which a deployed app reports the times of its calls.

    It writes functune_times.py, which needs nothing but the standard library, into DIR (this folder), and prints the
    lines to add to the app. With the app setting FUNCTUNE_TIMES=1, every answer then has the headers that
    `functune probe` and `functune sweep --host URL` read. Without the setting the file does nothing. It works in Azure
    Functions and as ASGI or WSGI middleware; docs/instrument.md describes it.

    \b
    Examples:
      functune instrument
      functune instrument ../my-app
      functune instrument --force

    Exit codes: 0 fine, 2 wrong usage, or another file of this name exists.
    """
    existing_folder(folder, "DIR")
    is_written = write_times_file(folder, force=force)
    found = places(folder)
    command = f"az functionapp config appsettings set -n APP -g GROUP --settings {SETTING}=1"
    answer.give(
        lambda: [
            f"{'Written' if is_written else 'Up to date'}: {folder / TIMES_FILE} (version {TIMES_VERSION})",
            *lines_to_add(found),
            "",
            f"The headers are off unless {SETTING}=1 is set where the app runs. On Azure Functions:",
            f"  {command}",
        ],
        lambda: {
            "file": str(folder / TIMES_FILE),
            "version": TIMES_VERSION,
            "is_written": is_written,
            "places": [each._asdict() | {"file": str(each.file)} for each in found],
            "app_settings": {SETTING: "1"},
            "command": command,
        },
    )


def lines_to_add(found: Sequence[AppPlace]) -> list[str]:
    """What to add to the app, as lines of text; all ways where it is not known how the app is made."""
    if not found:
        return [
            "",
            "No app was found in the modules of this folder. Add to the module that makes it:",
            "  import functune_times",
            "and, below the line that makes the app, the one that fits:",
            "  functune_times.add_times(app)          # Azure Functions: FunctionApp, AsgiFunctionApp, WsgiFunctionApp",
            "  app = functune_times.AsgiTimes(app)    # another ASGI app",
            "  app = functune_times.WsgiTimes(app)    # another WSGI app",
        ]
    lines = []
    for place in found:
        if place.has_it:
            lines += ["", f"{place.file} names functune_times already."]
        else:
            lines += [
                "",
                f"Add to {place.file}, the import at its top, the other below line {place.line}, which makes the app:",
                "  import functune_times",
                f"  {place.addition}",
            ]
    return lines
