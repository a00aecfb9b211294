"""The commands that read run folders: functune report, recommend, compare and lessons."""

import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from functune.azure.site_id import PREFIX, names_site
from functune.cli.answer import AS_TEXT, Answer, answers
from functune.cli.completing import RunPath, complete_experiments, complete_sizes
from functune.errors import UsageError
from functune.run.folder import RunFolder
from functune.shapes import (
    APP_SERVICE_SIZES,
    CONTAINER_APPS_SIZES,
    DEFAULT_APP_SERVICE_SIZE,
    DEFAULT_CONTAINER_APPS_SIZE,
)

if TYPE_CHECKING:
    from functune.plans.plan import Asked
    from functune.report.document import ReportDocument

PLAN_NAMES = ("local", "flex", "premium", "app-service", "container-apps")
"""The names of plans.registry, which is imported only when a command needs it."""
SIZE_HELP = (
    f"Size of an instance: {', '.join(APP_SERVICE_SIZES)} for app-service, the cores of a replica, "
    f"{min(CONTAINER_APPS_SIZES, key=float)} to {max(CONTAINER_APPS_SIZES, key=float)}, for container-apps. A setting "
    "that used more memory than it has is not recommended.  "
    f"[default: {DEFAULT_APP_SERVICE_SIZE}, {DEFAULT_CONTAINER_APPS_SIZE}]"
)


def instance_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a command for the instances of a plan that runs web servers."""
    size = click.option("--size", metavar="SIZE", shell_complete=complete_sizes, help=SIZE_HELP)
    replicas = click.option(
        "--replicas",
        type=(int, int),
        metavar="LEAST MOST",
        help="Replicas to set for container-apps.  [default: as they are]",
    )
    return size(replicas(command))


@click.command()
@click.argument("folder", type=RunPath(), metavar="RUN")
@click.option(
    "--beside",
    type=RunPath(),
    multiple=True,
    metavar="RUN",
    help="Compare with this run of the same routes on another server; repeat it for more.",
)
@answers()
def report(folder: Path, beside: tuple[Path, ...], answer: Answer) -> None:
    """
    Write the report of a run again.

    It is made from the measurements of the run, which may be unfinished; nothing is measured. The report consists of
    report.html, summary.md, recommendation.json, report.json, measurements.csv and junit.xml.

    \b
    Examples:
      functune report runs/2026-11-21-063000
      functune report runs/local --beside runs/gunicorn
      functune report runs/local --json | jq '.experiments[].verdict'

    Exit codes: 0 fine, 1 an expectation of an experiment failed, 2 wrong usage, 3 the folder holds no usable run, or an
    experiment of which no step worked.
    """
    document = report_on(RunFolder.open(folder), others=[RunFolder.open(other) for other in beside], answer=answer)
    require_worked(document)
    sys.exit(0 if document.passed else 1)


def report_on(
    folder: RunFolder,
    others: Sequence[RunFolder] = (),
    *,
    with_settings: bool = True,
    asked: Mapping[str, "Asked"] = {},
    answer: Answer = AS_TEXT,
) -> "ReportDocument":
    """
    Write the report and print its findings, with the app settings to set unless the caller prints its own.

    For an app on Azure it is the command that sets them, since the settings of its plan differ.

    ``asked`` has what the reader asks of a hosting plan, by its name. The findings as JSON are recommendation.json with
    the places of the run and its report.
    """
    from functune.report.files import PAGE, write_report
    from functune.report.recommendation_file import recommendation_document
    from functune.terminal.findings import findings_lines

    document = write_report(folder, others=others, asked=asked)
    page, host = (folder.path / PAGE).resolve().as_uri(), folder.environment.host_kind
    with_settings = with_settings and not names_site(host)
    to_apply = names_site(host) and any(findings.advice for findings in document.experiments)
    apply = f"functune azure apply {shlex.quote(str(folder.path))} {host.removeprefix(PREFIX)}"
    answer.give(
        lambda: [
            *findings_lines(document.experiments, with_settings=with_settings),
            *(["", f"To set it: {apply}"] if to_apply else []),
            "",
            f"Report: {page}",
        ],
        lambda: {
            "run": str(folder.path),
            "report": page,
            "passed": document.passed,
            **msgspec.structs.asdict(recommendation_document(document)),
        },
    )
    return document


def require_worked(document: "ReportDocument", routes: Sequence[str] = ()) -> None:
    """
    Raise LoadError where no step of an experiment worked, unless the app fits no instance, which is a result.

    ``routes`` are the app's where they are known.
    """
    from functune.report.worked import require_worked_steps

    require_worked_steps(document.experiments, routes)


@click.command("recommend")
@click.argument("folder", type=RunPath(), metavar="RUN")
@click.option(
    "--plan",
    type=click.Choice(PLAN_NAMES),
    default="local",
    show_default=True,
    help="Hosting plan for the settings; flex has no process count, app-service and container-apps run web servers. "
    "JSON holds all plans.",
)
@answers(
    *("json", "local-settings", "bicep", "fragment", "commands", "startup"),
    default="json",
    help_text="JSON with the evidence, or settings to apply: local.settings.json, a .bicepparam file for "
    "the templates of this project, a fragment for a template of your own, az commands, or the start-up command of a "
    "web server.",
)
@instance_options
@click.option(
    "--experiment",
    metavar="NAME",
    shell_complete=complete_experiments,
    help="The experiment to take the settings from, for a run of several.",
)
def recommend_settings(
    folder: Path, plan: str, answer: Answer, experiment: str | None, size: str | None, replicas: tuple[int, int] | None
) -> None:
    """
    Print the settings that a run recommends.

    They are printed with their evidence as JSON, or in a form that a hosting plan takes.

    \b
    Examples:
      functune recommend runs/2026-11-21-063000 | jq '.experiments[].advice'
      functune recommend runs/2026-11-21-063000 --experiment threads-blocking-io --plan flex --format bicep
      functune recommend runs/2026-11-21-063000 --experiment threads-blocking-io --plan premium --format commands
      functune recommend runs/gunicorn --plan app-service --size P1v3 --format commands
      functune recommend runs/gunicorn --plan container-apps --size 1 --replicas 1 10 --format fragment

    Exit codes: 0 fine, 2 wrong usage, 3 the folder holds no usable run.
    """
    from functune.plans.advice import advice_text, single_advice
    from functune.plans.registry import asked_of
    from functune.report.document import read_document
    from functune.report.recommendation_file import recommendation_json

    asked = {plan: asked_of(plan, size=size, replicas=replicas)}
    document = read_document(RunFolder.open(folder), asked=asked)
    if answer.is_json:
        if experiment is not None:
            raise UsageError("--experiment goes with the forms other than json: JSON holds all experiments")
        answer.write(recommendation_json(document))
        return
    answer.write(advice_text(single_advice(document.apply, plan=plan, experiment=experiment), answer.form))


@click.command()
@click.argument("before", type=RunPath(), metavar="BEFORE")
@click.argument("after", type=RunPath(), metavar="AFTER")
@click.option(
    "--margin",
    type=click.FloatRange(0, 0.99),
    default=0.05,
    show_default=True,
    help="Smallest relative change that matters: 0.05 is 5 %.",
)
@answers()
def compare(before: Path, after: Path, margin: float, answer: Answer) -> None:
    """
    Show the figures that got better or worse between two runs.

    Steps are matched by experiment, route, setting and load. A figure is worse when it changed by the margin or more
    and its repeats confirm the change, and unclear when they do not suffice. An expectation that held before and fails
    now is worse too.

    \b
    Examples:
      functune compare runs/main runs/branch
      functune compare runs/main runs/branch --margin 0.1
      functune compare runs/main runs/branch --json | jq '.figures[] | select(.verdict == "worse")'

    Exit codes: 0 nothing got worse, 1 something did, 2 wrong usage, 3 the runs have no step in common.
    """
    from functune.report.compared import compare_folders
    from functune.terminal.comparison import comparison_document, comparison_text, environment_warnings

    runs = RunFolder.open(before), RunFolder.open(after)
    found = compare_folders(*runs, margin=margin)
    warnings = list(environment_warnings(runs[0].environment, runs[1].environment))
    answer.give(
        lambda: [*(f"Warning: {warning}" for warning in warnings), comparison_text(found)],
        lambda: comparison_document(found, warnings),
    )
    sys.exit(1 if found.got_worse else 0)


@click.command()
@click.argument("folder", type=RunPath(), metavar="RUN")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("docs"),
    show_default=True,
    help="Folder for lessons.md and its pictures.",
)
@answers()
def lessons(folder: Path, out: Path, answer: Answer) -> None:
    """
    Write lessons.md from a run.

    It holds the lesson of each experiment, with a picture and its figures.

    \b
    Example:
      functune lessons runs/2026-11-21-063000

    Exit codes: 0 fine, 2 wrong usage, 3 the folder holds no usable run.
    """
    from functune.report.lessons import write_lessons

    try:
        page = write_lessons(RunFolder.open(folder), out)
    except OSError as error:
        raise UsageError(
            f"--out {out}: {error.filename} cannot be written: {error.strerror}; give a folder that can be written"
        ) from error
    answer.give(lambda: [str(page)], lambda: {"page": str(page)})
