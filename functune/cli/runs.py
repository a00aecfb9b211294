"""The commands that read run folders: functune report, compare and lessons."""

import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from functune.azure.site_id import PREFIX, names_site
from functune.cli.answer import AS_TEXT, Answer, answers
from functune.cli.completing import RunPath
from functune.cli.finite import FiniteRange
from functune.errors import UsageError
from functune.run.folder import RunFolder

if TYPE_CHECKING:
    from functune.plans.plan import Asked
    from functune.report.document import ReportDocument


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
    from functune.report.files import write_report
    from functune.report.links import PAGE
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


@click.command()
@click.argument("before", type=RunPath(), metavar="BEFORE")
@click.argument("after", type=RunPath(), metavar="AFTER")
@click.option(
    "--margin",
    type=FiniteRange(0, 0.99),
    metavar="SHARE",
    default=0.05,
    show_default=True,
    help="Smallest relative change that matters: 0.05 is 5 %.",
)
@answers()
def compare(before: Path, after: Path, margin: float, answer: Answer) -> None:
    """
    Show the figures that got better or worse between two runs.

    Steps are matched by experiment, route, setting and load. A figure is worse or better when it changed by the margin
    or more and its repeats confirm the change. It is unclear when the repeats do not decide. An expectation that held
    before and fails now is worse too.

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
