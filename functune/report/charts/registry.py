"""The charts of a subject in the order of the page: a new chart is one drawing in a file of its own, and one entry."""

from collections.abc import Callable, Iterable
from typing import Literal

import msgspec

from functune.report.charts.arrivals import arrivals_figure
from functune.report.charts.drawing import draw
from functune.report.charts.figure import ChartFigure, ChartInput, figure_html
from functune.report.charts.heat_map import heat_map_figure
from functune.report.charts.latency import latency_figure
from functune.report.charts.pareto import pareto_figure
from functune.report.charts.repeats import repeats_figure
from functune.report.charts.throughput import throughput_figure
from functune.report.charts.time_split import time_figure
from functune.report.document import ReportDocument
from functune.report.markup import Html

type ChartSection = Literal["experiment", "repeats"]
"""The section of the page that a chart stands in."""
type ChartWidth = Literal["half", "whole", "rest"]
"""Half a row, a row, or a row unless the halves leave half a row free."""


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of chart."""

    figure: Callable[[ChartInput], ChartFigure | None]
    """None where the subject has nothing to draw."""
    width: ChartWidth
    section: ChartSection = "experiment"


CHARTS = (
    Chart(figure=pareto_figure, width="half"),
    Chart(figure=throughput_figure, width="half"),
    Chart(figure=latency_figure, width="half"),
    Chart(figure=arrivals_figure, width="half"),
    Chart(figure=heat_map_figure, width="whole"),
    Chart(figure=time_figure, width="rest"),
    Chart(figure=repeats_figure, width="half", section="repeats"),
)

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
