"""functune watch, and the flag --watch of the commands that measure."""

import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from functune.cli.completing import RunPath
from functune.cli.finite import FiniteRange
from functune.cli.folders import run_or_newest
from functune.environ import child_environ
from functune.errors import RunFolderError
from functune.run.folder import RunFolder

LINGER = 300
"""Seconds; a browser lets a page in the background ask once a minute only."""
READING = 0.5
"""Seconds between two looks at the run folder."""


@click.command("watch")
@click.argument("folder", type=RunPath(), required=False, metavar="[RUN]")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, metavar="PORT", help="Port to listen on.  [default: a free one]"
)
@click.option("--open/--no-open", "opens", default=None, help="Open the browser.  [default: on a terminal]")
@click.option(
    "--linger",
    type=FiniteRange(min=0),
    default=LINGER,
    show_default=True,
    metavar="SECONDS",
    help="How long to serve the page after the run has ended and the last browser has asked for it.",
)
def watch_run(folder: Path | None, port: int, opens: bool | None, linger: float) -> None:
    """
    Show the report of a run while it is measured, as a page that follows it.

    RUN is the folder of a run.  [default: the newest in ./runs]

    Only this machine can reach the page. The report is drawn again as steps arrive, while a browser shows the page: at
    the lowest priority, and at most a sixth of the time, so that the run keeps its cores. Scroll position and open
    sections stay. The command also shows a finished run. It writes nothing. docs/watch.md describes it.

    \b
    Examples:
      functune watch
      functune watch runs/2026-11-21-063000 --port 8000 --no-open
      functune sweep --watch

    Exit codes: 0 stopped by CTRL+C or SIGTERM, or the run has ended and no page is open, 2 wrong usage, 3 the folder
    holds no run.
    """
    import webbrowser

    from functune.watch.drawer import Drawer
    from functune.watch.live_run import LiveRun
    from functune.watch.server import served

    run = run_or_newest(folder)
    RunFolder.open(run)  # refuses another folder
    try:
        with closing(Drawer(run)) as drawer:
            live = LiveRun(run, drawer)
            with served(live, port) as url:
                click.echo(f"Live page of {run}: {url}")
                if sys.stdout.isatty() if opens is None else opens:
                    webbrowser.open(url)
                while not live.is_left(linger):
                    live.follow()
                    time.sleep(READING)
    except KeyboardInterrupt:
        pass
    except FileNotFoundError as error:
        raise RunFolderError(f"{run} cannot be watched any more: {error.filename} is gone") from error


def watch_option[Command: Callable[..., Any]](command: Command) -> Command:
    """Add --watch."""
    return click.option("--watch", is_flag=True, help="Open a live page of the run, as `functune watch` does.")(command)


def start_watch(run: Path) -> None:
    """
    Start `functune watch` in the background, and print where the page is. It ends by itself, some time after the run.

    It keeps no pipe of this command open, and is there before anything is measured.
    """
    opens = "--open" if sys.stdout.isatty() else "--no-open"
    watch = subprocess.Popen(
        [sys.executable, "-P", "-m", "functune.cli", "watch", str(run), opens],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=child_environ({}),
        start_new_session=True,
        text=True,
    )
    assert watch.stdout is not None
    with watch.stdout as said:
        line = said.readline().strip()
    click.echo(line or f"The live page could not be started; `functune watch {run}` says why.")
