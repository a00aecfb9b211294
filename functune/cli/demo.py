"""functune demo."""

import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from functune.cli.answer import Answer, answers
from functune.cli.measuring import run_and_report
from functune.cli.packages import chosen_python
from functune.cli.sweep import created, overridden
from functune.hosts.served_app import ServedApp
from functune.packages.app_packages import PACKAGE_FOLDER
from functune.run.new_path import new_run_path
from functune.showcase.folder import write_showcase
from functune.showcase.parts import LAB_EXPERIMENTS
from functune.sweep.beginning import experiments_and_inputs


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(LAB_EXPERIMENTS))
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path),
    default=Path("functune-demo"),
    show_default=True,
    help="Folder for the showcase and its runs. No file of yours is overwritten.",
)
@click.option(
    "--quick",
    is_flag=True,
    help="Measure each step once, and skip the profile and the calibration: no ranges, and no lines of code.",
)
@click.option(
    "--python",
    metavar="PATH",
    help="Interpreter, 3.13 or later, with the packages of the showcase.  "
    "[default: installs its requirements.txt into a cached environment, with uv or pip]",
)
@answers()
def demo(names: tuple[str, ...], folder: Path, quick: bool, python: str | None, answer: Answer) -> None:
    """
    Load-test the showcase app and report, without a checkout.

    It writes the showcase into a folder: an app whose handlers demonstrate each concurrency pattern and each common
    mistake, with its experiments and its templates for Azure. Then it runs three of the experiments on the local host,
    or those that are named, prints what to set and why, and writes the report. The three take about three
    minutes on two cores.

    \b
    Examples:
      functune demo
      functune demo async-blocked-loop --quick
      functune demo --dir /tmp/showcase

    Exit codes: 0 fine, 1 an expectation of an experiment failed, 2 wrong usage, 3 nothing, or not everything, could be
    measured, 130 interrupted by CTRL+C or SIGTERM.
    """
    if written := write_showcase(folder):
        click.echo(f"Written: {folder} ({written} files)")
    has_packages = python is not None or (folder / PACKAGE_FOLDER).is_dir()
    python = chosen_python(folder, python=python, install=not has_packages)
    files = [folder / "experiments" / f"{name}.toml" for name in dict.fromkeys(names or LAB_EXPERIMENTS)]
    asked, inputs = experiments_and_inputs(files)
    if quick:
        asked = overridden(asked, memory=None, repeats=1)
    app = ServedApp(folder)
    run, kind = created(asked, inputs=inputs, out=folder / new_run_path(), app=app, host=None, key=None, python=python)
    is_fine = run_and_report(run, app=app, kind=kind, with_profile=not quick, calibrated=not quick, answer=answer)
    for line in () if answer.is_json else next_lines(folder):
        click.echo(line)
    sys.exit(0 if is_fine else 1)


def next_lines(folder: Path) -> Iterator[str]:
    """What to do after the demo."""
    place = shlex.quote(str(folder))
    yield "\nNext, in the folder of your own app:"
    yield "  functune tune '/api/items?limit=20'   find the settings for one of its routes"
    yield "  functune init                         write an experiment for its routes"
    yield "  functune doctor                       check its code and its settings"
    yield f"More experiments with the app of the demo are in {folder / 'experiments'}, such as:"
    yield f"  functune sweep {place}/experiments/gil-convoy.toml --script-root {place} --install"
