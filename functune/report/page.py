"""The report page: contents in, one HTML file out."""

import base64
import hashlib

from functune.report import document
from functune.report.assets import asset
from functune.report.charts.registry import drawn_figures
from functune.report.contents import Contents
from functune.report.markup import Html, element
from functune.report.sections.experiment import experiment_section
from functune.report.sections.hosts import hosts_section
from functune.report.sections.machine import machine_section, origin_line
from functune.report.sections.repeats import repeats_section
from functune.report.sections.steps_table import steps_section
from functune.report.sections.tiles import run_tiles
from functune.report.sections.trust import trust_section
from functune.report.sections.verdict import verdict_article


def render_page(contents: Contents) -> str:
    """The whole page. The same input gives the same page; the page loads nothing."""
    single = len(contents.analyses) == 1
    title = contents.analyses[0].experiment.question if single else "What to set, and why"
    body = element(
        "body",
        element("header", element("p", origin_line(contents.environment), class_="eyebrow"), element("h1", title)),
        main_element(contents, single=single),
        element("footer", element("p", "Made by functune from this run's files alone. Nothing was measured again.")),
        data_block(contents),
        element("script", Html(asset("report.js"))),
    )
    return f"<!doctype html>\n{element('html', head_element(title), body, lang='en')}\n"


def head_element(title: str) -> Html:
    """Metadata, policy and style sheet."""
    # markup.py escapes every text of the page; the policy is the second lock: no request, and no script but report.js.
    digest = base64.b64encode(hashlib.sha256(asset("report.js").encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="generator", content="functune"),
        element("title", f"{title} · functune"),
        element("style", Html(asset("report.css"))),
    )


def main_element(contents: Contents, *, single: bool) -> Html:
    """The sections in the order of the page."""
    figures = drawn_figures(contents)
    return element(
        "main",
        element(
            "div", *(verdict_article(each, contents, single=single) for each in contents.analyses), class_="verdicts"
        ),
        run_tiles(contents),
        *(experiment_section(each, figures, single=single, currency=contents.currency) for each in contents.findings),
        hosts_section(contents),
        repeats_section(
            [html for (section, _, _), several in figures.items() if section == "repeats" for html in several]
        ),
        trust_section(contents),
        machine_section(contents.environment),
        steps_section(contents),
    )


def data_block(contents: Contents) -> Html:
    """report.json for programs that read the page, and for report.js; no browser runs it."""
    return element(
        "script", Html(document.to_compact_json(document.report_document(contents))), type="application/json", id="data"
    )
