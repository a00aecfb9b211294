"""The report page: the document in, one HTML file out."""

from functune.report.assets import asset
from functune.report.charts.registry import drawn_figures
from functune.report.document import ReportDocument
from functune.report.head import report_head
from functune.report.json_text import embedded_json
from functune.report.links import PLAN_LINK
from functune.report.markup import Html, element
from functune.report.sections.experiment import experiment_section
from functune.report.sections.hosts import hosts_section
from functune.report.sections.machine import machine_section, origin_line
from functune.report.sections.repeats import repeats_section
from functune.report.sections.steps_table import steps_section
from functune.report.sections.tiles import run_tiles
from functune.report.sections.trust import trust_section
from functune.report.sections.verdict import verdict_article


def render_page(document: ReportDocument) -> str:
    """The whole page. The same input gives the same page; the page loads nothing."""
    single = len(document.experiments) == 1
    title = document.experiments[0].experiment.question if single else "What to set, and why"
    body = element(
        "body",
        element(
            "header",
            element("p", origin_line(document.environment), class_="eyebrow"),
            element("h1", title),
            PLAN_LINK.place,
        ),
        main_element(document, single=single),
        element("footer", element("p", "Made by functune from this run's files alone. Nothing was measured again.")),
        data_block(document),
        element("script", Html(asset("report.js"))),
    )
    return f"<!doctype html>\n{element('html', report_head(title), body, lang='en')}\n"


def main_element(document: ReportDocument, *, single: bool) -> Html:
    """The sections in the order of the page."""
    figures = drawn_figures(document)
    return element(
        "main",
        element(
            "div", *(verdict_article(each, document, single=single) for each in document.experiments), class_="verdicts"
        ),
        run_tiles(document),
        *(experiment_section(each, figures, document, single=single) for each in document.experiments),
        hosts_section(document),
        repeats_section(
            [html for (section, _, _), several in figures.items() if section == "repeats" for html in several]
        ),
        trust_section(document),
        machine_section(document.environment),
        steps_section(document),
    )


def data_block(document: ReportDocument) -> Html:
    """report.json for programs that read the page; no browser runs it."""
    return element("script", Html(embedded_json(document)), type="application/json", id="data")
