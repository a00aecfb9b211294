"""A chart with the finding it shows and the words needed to read it; what charts are made from."""

from collections.abc import Callable
from typing import Literal

import msgspec

from functune.analysis.experiment import ExperimentFindings, SubjectFindings
from functune.report.charts.drawing import Drawing
from functune.report.markup import Html, element, join

type ChartSection = Literal["experiment", "repeats"]
"""The section of the page that a chart stands in."""
type ChartWidth = Literal["half", "whole", "rest"]
"""Half a row, a row, or a row unless the halves leave half a row free."""


class ChartInput(msgspec.Struct, frozen=True, kw_only=True):
    """The findings that every chart of a subject is made from."""

    findings: ExperimentFindings
    subject: SubjectFindings
    currency: str


class ChartFigure(msgspec.Struct, frozen=True, kw_only=True):
    """A chart under the finding it shows."""

    title: str
    """The finding, as a sentence without its full stop."""
    note: str = ""
    """How to read the chart."""
    drawing: Drawing | None = None
    before: Html | None = None
    """Shown above the drawing, such as a legend."""
    after: Html | None = None
    """Shown below it or instead of it, such as a table."""


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of chart."""

    figure: Callable[[ChartInput], ChartFigure | None]
    """None where the subject has nothing to draw."""
    width: ChartWidth
    place: int
    """The rank on the page; the lowest is drawn first."""
    section: ChartSection = "experiment"


def figure_html(figure: ChartFigure, drawn: Html | None, *, whole: bool) -> Html:
    """The figure with its drawing; ``whole`` where it takes a row of the page to itself."""
    caption = element("figcaption", element("h3", figure.title), element("p", figure.note) if figure.note else None)
    content = join(figure.before, drawn, figure.after)
    return element("figure", caption, content, class_="whole" if whole else None)
