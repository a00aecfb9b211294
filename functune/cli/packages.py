"""The flags that choose the packages of an app: --python and --install."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from functune.packages.chosen import app_python
from functune.packages.virtual_environment import ReportProgress


def package_options[Command: Callable[..., Any]](command: Command) -> Command:
    """Add the flags, as the parameters ``python`` and ``install``."""
    python = click.option(
        "--python",
        metavar="PATH",
        help="Interpreter, 3.13 or later, that runs the workers with its packages.  [default: with the packages of "
        ".python_packages, else of the activated environment, else of .venv or venv of the app]",
    )
    install = click.option(
        "--install",
        is_flag=True,
        help="Install requirements.txt of the app into a cached environment, with uv or pip, and use its packages.",
    )
    return python(install(command))


def chosen_python(script_root: Path, *, python: str | None, install: bool) -> str | None:
    """
    The interpreter whose packages the app gets; None for the packages that the app comes with.

    Raises UsageError for flags that do not fit, InstallError when requirements.txt cannot be installed.
    """
    if not install:
        return app_python(script_root, python=python, install=False, report=click.echo)
    with _shown_progress() as report:
        return app_python(script_root, python=python, install=True, report=report)


@contextmanager
def _shown_progress() -> Iterator[ReportProgress]:
    """Shows the last line of progress on a terminal, and every line elsewhere; both on stderr."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda line: click.echo(line, err=True)
        return
    with console.status("Looking for the packages of the app") as status:
        yield lambda line: status.update(line.replace("[", "\\["))
