"""functune doctor."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from functune.cli.answer import Answer, answers
from functune.cli.completing import RunPath
from functune.cli.folders import existing_folder
from functune.cli.packages import chosen_python, package_options
from functune.cli.recommend import PLAN_NAMES
from functune.errors import UsageError
from functune.shapes import APP_SERVICE_SIZES, DEFAULT_APP_SERVICE_SIZE

if TYPE_CHECKING:
    from functune.doctor.finding import Diagnosis
    from functune.doctor.reading.app_service import AppServiceOptions

FORM_NAMES = ("text", "json", "sarif", "junit")
"""The names of doctor.formats.registry, which is imported only when the command needs it."""


@click.command("doctor")
@click.argument("folder", type=click.Path(path_type=Path), default=Path(), metavar="[DIR]")
@click.option(
    "--for",
    "--plan",
    "plan",
    type=click.Choice(PLAN_NAMES),
    help="Hosting plan that the app is meant for. With app-service it can be any WSGI or ASGI app.",
)
@click.option(
    "--tier",
    "--size",
    "tier",
    type=click.Choice(list(APP_SERVICE_SIZES)),
    help=f"Pricing tier of App Service: its cores and memory.  [default: {DEFAULT_APP_SERVICE_SIZE}]",
)
@click.option("--python-version", metavar="3.13|3.14", help="Python of App Service.  [default: as the app's files say]")
@click.option(
    "--startup-file",
    metavar="COMMAND|FILE",
    help="Start-up command of App Service, as az webapp config set takes it.  [default: that of a Bicep template]",
)
@click.option(
    "--setting", "named", multiple=True, metavar="NAME=VALUE", help="App setting of App Service; repeat it for more."
)
@click.option(
    "--settings",
    "settings_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="App settings as `az webapp config appsettings list` prints them.",
)
@click.option(
    "--run",
    "run_path",
    type=RunPath(),
    metavar="RUN",
    help="Also judge the run of a `functune tune` or `sweep` of this app: lines that limit it, memory of its workers.",
)
@click.option(
    "--measure",
    is_flag=True,
    help="Also start the app, to measure the time of its imports and the memory of an idle worker.",
)
@click.option(
    "--memory",
    type=click.IntRange(min=1),
    metavar="MB",
    help="Memory of an instance, which the workers of --run or --measure should fit.",
)
@click.option(
    "--severity",
    type=click.Choice(["error", "warning", "note"]),
    default="error",
    show_default=True,
    help="A finding of this severity or worse ends the command with exit code 1.",
)
@answers(*FORM_NAMES, help_text="Form of the findings.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="File to write.  [default: stdout]")
@package_options
def examine(
    folder: Path,
    plan: str | None,
    tier: str | None,
    python_version: str | None,
    startup_file: str | None,
    named: tuple[str, ...],
    settings_file: Path | None,
    run_path: Path | None,
    measure: bool,
    memory: int | None,
    severity: Literal["error", "warning", "note"],
    answer: Answer,
    out: Path | None,
    python: str | None,
    install: bool,
) -> None:
    """
    Check an app and its settings.

    It reads host.json, local.settings.json, requirements.txt, Bicep templates and the code of the app in DIR (this
    folder), which it does not import. It finds blocking calls in async handlers, clients made for each request, and
    settings that do not work. It adds the findings of azure-functions-doctor where that is installed. docs/doctor.md
    lists the rules.

    With --plan app-service it says which app App Service on Linux starts for the folder, with which command and how
    many workers, and finds what would keep it from starting or from serving more than one request at a time.

    \b
    Examples:
      functune doctor
      functune doctor ../my-app --for flex --severity warning
      functune doctor --run runs/2026-11-21-063000 --memory 2048
      functune doctor --measure --format sarif --out doctor.sarif
      functune doctor ../my-site --plan app-service --tier P1v3 --python-version 3.14
      functune doctor --plan app-service --startup-file startup.txt --setting WEB_CONCURRENCY=4

    Exit codes: 0 healthy, 1 a finding of the severity or worse, 2 wrong usage, 3 it could not be measured.
    """
    existing_folder(folder, "DIR")
    if memory is not None and run_path is None and not measure:
        raise UsageError("--memory needs the memory of a worker: add --run RUN or --measure")
    given = {
        "--tier": tier,
        "--python-version": python_version,
        "--startup-file": startup_file,
        "--setting": named,
        "--settings": settings_file,
    }
    require_app_service(plan, [flag for flag, value in given.items() if value])
    diagnosis = examined(
        folder,
        plan=plan,
        options=app_service_options(tier, python_version, startup_file, named, settings_file),
        memory=memory,
        run_path=run_path,
        measure=measure,
        python=chosen_python(folder, python=python, install=install),
    )
    from functune.doctor.formats.registry import DIAGNOSIS_FORMS
    from functune.doctor.formats.text_form import summary_line

    text = DIAGNOSIS_FORMS[answer.form](diagnosis, severity)
    if out is None:
        answer.write(text)
    else:
        write_diagnosis(out, text)
        answer.write(f"{summary_line(diagnosis, severity)}\nWritten: {out}\n")
    sys.exit(1 if diagnosis.at_least(severity) else 0)


def require_app_service(plan: str | None, flags: Sequence[str]) -> None:
    """Check that the flags of App Service are given with its plan. Raises UsageError."""
    if flags and plan != "app-service":
        raise UsageError(f"{', '.join(flags)}: for App Service; add --plan app-service")


def app_service_options(
    tier: str | None,
    python_version: str | None,
    startup_file: str | None,
    named: Sequence[str],
    settings_file: Path | None,
) -> "AppServiceOptions":
    """What the flags say about App Service. Raises UsageError for a setting or a file of another form."""
    from functune.doctor.reading.app_service import AppServiceOptions
    from functune.doctor.reading.app_settings_file import given_places

    return AppServiceOptions(
        tier=tier,
        python_version=python_version,
        startup_file=startup_file,
        settings=given_places(named, settings_file),
    )


def examined(
    app: Path,
    *,
    plan: str | None,
    options: "AppServiceOptions",
    memory: int | None,
    run_path: Path | None,
    measure: bool,
    python: str | None,
) -> "Diagnosis":
    """The diagnosis of the app. Raises UsageError, RunFolderError, and HostError where it does not start."""
    from functune.doctor.diagnose import diagnose
    from functune.doctor.reading.inspected import entry_of, function_entry, inspect_app
    from functune.packages.app_packages import find_app_packages

    if measure and plan == "app-service" and not function_entry(app.resolve()):
        raise UsageError(
            "--measure starts a function app, and this folder has none; measure a web app with `functune tune ROUTE "
            "--host app-service`, and add --run RUN"
        )
    entry = entry_of(app) if measure or plan != "app-service" else ""
    run = start = None
    if run_path is not None:
        from functune.doctor.reading.run_evidence import evidence_of_run
        from functune.run.folder import RunFolder

        run = evidence_of_run(RunFolder.open(run_path), app)
    if measure:
        from functune.doctor.reading.start import measure_start

        def report(line: str) -> None:
            click.echo(line, err=True)

        start = asyncio.run(measure_start(app.resolve(), entry, python=python, report=report))
    inspected = inspect_app(app, plan=plan, memory_mb=memory, python=python, run=run, start=start, options=options)
    return diagnose(inspected, find_app_packages(app.resolve(), python=python))


def write_diagnosis(path: Path, text: str) -> None:
    """Write the file. Raises UsageError where it cannot be written."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--out {path}: cannot be written: {error.strerror}; name another file") from error
