"""
The charts of a subject in the order of the page.

A new chart is one file of this folder: a module with a constant ``CHART``, which is found here.
"""

import pkgutil
from collections.abc import Iterable
from importlib import import_module

import msgspec

import functune.report.charts
from functune.report.charts.drawing import draw
from functune.report.charts.figure import Chart, ChartFigure, ChartInput, ChartSection, figure_html
from functune.report.document import ReportDocument
from functune.report.markup import Html


def find_charts() -> tuple[Chart, ...]:
    """The charts that the modules of this folder declare, in the order of their places."""
    names = (module.name for module in pkgutil.iter_modules(functune.report.charts.__path__, "functune.report.charts."))
    modules = (import_module(name) for name in names if name != __name__)
    found = [chart for module in modules if (chart := getattr(module, "CHART", None)) is not None]
    return tuple(sorted(found, key=lambda chart: chart.place))


CHARTS = find_charts()

type FigureKey = tuple[ChartSection, str, str]
"""Section, experiment and subject."""


class PlacedFigure(msgspec.Struct, frozen=True, kw_only=True):
    """A figure and where it stands."""

    key: FigureKey
    figure: ChartFigure
    whole: bool
    """Whether it takes a row to itself."""


def drawn_figures(document: ReportDocument) -> dict[FigureKey, list[Html]]:
    """Every figure of the page; all charts are drawn together, since that goes side by side."""
    placed = [
        figure
        for findings in document.experiments
        for subject in findings.subjects
        for figure in placed_figures(ChartInput(findings=findings, subject=subject, currency=document.currency))
    ]
    drawn = iter(draw([each.figure.drawing for each in placed if each.figure.drawing is not None]))
    found: dict[FigureKey, list[Html]] = {}
    for each in placed:
        html = None if each.figure.drawing is None else next(drawn)
        found.setdefault(each.key, []).append(figure_html(each.figure, html, whole=each.whole))
    return found


def placed_figures(chart: ChartInput) -> Iterable[PlacedFigure]:
    """The figures of one subject that have something to draw."""
    made = [(each, figure) for each in CHARTS if (figure := each.figure(chart)) is not None]
    halves = sum(each.width == "half" and each.section == "experiment" for each, _ in made)
    for each, figure in made:
        yield PlacedFigure(
            key=(each.section, chart.findings.name, str(chart.subject.subject)),
            figure=figure,
            whole=each.width == "whole" or (each.width == "rest" and halves % 2 == 0),
        )
