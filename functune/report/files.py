"""The files of a report, written into the run folder. Nothing is measured."""

from collections.abc import Mapping, Sequence

from functune.plans.plan import Asked
from functune.report.document import ReportDocument, document_json, read_document
from functune.report.junit import junit
from functune.report.links import PAGE, link_pages
from functune.report.page import render_page
from functune.report.recommendation_file import recommendation_json
from functune.report.rows import measured_rows, to_csv
from functune.report.summary import summary
from functune.run.folder import RunFolder

SUMMARY = "summary.md"
RECOMMENDATION = "recommendation.json"
DOCUMENT = "report.json"
TABLE = "measurements.csv"
JUNIT = "junit.xml"


def write_report(
    folder: RunFolder, *, others: Sequence[RunFolder] = (), asked: Mapping[str, Asked] = {}
) -> ReportDocument:
    """
    Write the report and its files for programs into the run folder, and return the document they are made from.

    ``others`` are runs on other servers to compare with, and ``asked`` has what the reader asks of a hosting plan, by
    its name. The same input gives the same bytes. It can be drawn while the sweep runs. Raises RunFolderError as
    ``read_document`` does, and when a file cannot be written.
    """
    document = read_document(folder, others=others, asked=asked)
    folder.write_text(PAGE, render_page(document))
    link_pages(folder)
    folder.write_text(SUMMARY, summary(document))
    folder.write_text(RECOMMENDATION, recommendation_json(document))
    folder.write_text(DOCUMENT, document_json(document))
    folder.write_text(TABLE, to_csv(measured_rows(folder.measurements())))
    folder.write_text(JUNIT, junit(document.experiments))
    return document
