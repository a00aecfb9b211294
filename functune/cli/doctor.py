"""functune doctor."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from functune.cli.packages import chosen_python, package_options
from functune.cli.runs import PLAN_NAMES
from functune.errors import UsageError

if TYPE_CHECKING:
    from functune.doctor.finding import Diagnosis

FORM_NAMES = ("text", "json", "sarif", "junit")
"""The names of doctor.formats.registry, which is imported only when the command needs it."""


@click.command("doctor")
@click.argument("folder", type=click.Path(path_type=Path), default=Path(), metavar="[DIR]")
@click.option("--for", "plan", type=click.Choice(PLAN_NAMES), help="Hosting plan that the app is meant for.")
@click.option(
    "--run",
    "run_path",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="Also judge the run of a `functune tune` or `sweep` of this app: lines that limit it, memory of its workers.",
)
@click.option("--measure", is_flag=True, help="Also start the app: time of its imports, memory of an idle worker.")
@click.option("--memory", type=click.IntRange(min=1), metavar="MB", help="Memory of an instance.")
@click.option(
    "--severity",
    type=click.Choice(["error", "warning", "note"]),
    default="error",
    show_default=True,
    help="A finding of this severity or worse ends the command with exit code 1.",
)
@click.option(
    "--format", "form", type=click.Choice(FORM_NAMES), default="text", show_default=True, help="Form of the findings."
)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="File to write.  [default: stdout]")
@package_options
def examine(
    folder: Path,
    plan: str | None,
    run_path: Path | None,
    measure: bool,
    memory: int | None,
    severity: Literal["error", "warning", "note"],
    form: str,
    out: Path | None,
    python: str | None,
    install: bool,
) -> None:
    """
    Check an app and its settings.

    It reads the code of the app in DIR (this folder) without importing it, and host.json, local.settings.json,
    requirements.txt and Bicep templates: blocking calls in async handlers, clients made for each request, settings that
    do not work. Findings of azure-functions-doctor are added where it is installed. docs/doctor.md lists the rules.

    \b
    Examples:
      functune doctor
      functune doctor ../my-app --for flex --severity warning
      functune doctor --run runs/2026-11-21-063000 --memory 2048
      functune doctor --measure --format sarif --out doctor.sarif

    Exit codes: 0 healthy, 1 a finding of the severity or worse, 2 wrong usage, 3 it could not be measured.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder}: there is no such folder; name the folder of an app")
    if memory is not None and run_path is None and not measure:
        raise UsageError("--memory needs the memory of a worker: add --run RUN or --measure")
    diagnosis = examined(
        folder,
        plan=plan,
        memory=memory,
        run_path=run_path,
        measure=measure,
        python=chosen_python(folder, python=python, install=install),
    )
    from functune.doctor.formats.registry import DIAGNOSIS_FORMS
    from functune.doctor.formats.text_form import summary_line

    text = DIAGNOSIS_FORMS[form](diagnosis, severity)
    if out is None:
        click.echo(text, nl=False)
    else:
        write_diagnosis(out, text)
        click.echo(summary_line(diagnosis, severity))
        click.echo(f"Written: {out}")
    sys.exit(1 if diagnosis.at_least(severity) else 0)


def examined(
    app: Path, *, plan: str | None, memory: int | None, run_path: Path | None, measure: bool, python: str | None
) -> "Diagnosis":
    """The diagnosis of the app. Raises UsageError, RunFolderError, and HostError where it does not start."""
    from functune.doctor.diagnose import diagnose
    from functune.doctor.reading.inspected import entry_of, inspect_app
    from functune.packages.app_packages import find_app_packages

    entry = entry_of(app)
    run = start = None
    if run_path is not None:
        from functune.doctor.reading.run_evidence import read_run
        from functune.run.folder import RunFolder

        run = read_run(RunFolder.open(run_path), app)
    if measure:
        from functune.doctor.reading.start import measure_start

        def report(line: str) -> None:
            click.echo(line, err=True)

        start = asyncio.run(measure_start(app.resolve(), entry, python=python, report=report))
    inspected = inspect_app(app, plan=plan, memory_mb=memory, python=python, run=run, start=start)
    return diagnose(inspected, find_app_packages(app.resolve(), python=python))


def write_diagnosis(path: Path, text: str) -> None:
    """Write the file. Raises UsageError where it cannot be written."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--out {path}: cannot be written: {error.strerror}; name another file") from error
