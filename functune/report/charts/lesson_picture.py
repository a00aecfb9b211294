"""
The picture of a lesson, as an SVG file: a bar for every decisive step, a panel for every metric.

The picture does not know the page it stands on, so it has its own background. Its colours are the light ones; a style
rule in the file replaces each by its dark counterpart where the reader's system is dark. A viewer without style rules
shows the light ones.
"""

import re
from collections.abc import Sequence

import msgspec

from functune.report.assets import theme_colors
from functune.report.charts.renderer import render_svgs
from functune.report.charts.vega import Specification, category, mark_layer, quantity
from functune.report.markup import markup

PICTURE_WIDTH = 700
"""Of the drawing, pixels: about the width of the text in a rendered document."""
PICTURE_CHARACTER = 7.2
"""Of a label, pixels: the average of the widest usual fonts at this size."""
MOST_LABEL_WIDTH = 400
"""Pixels; longer labels are cut in the drawing, and stand in full in the table next to it."""
BAR_STEP = 30
"""Height of a bar and its gap, pixels."""
ROLES = ("surface", "ink", "muted", "rule", "accent")


class LessonBar(msgspec.Struct, frozen=True, kw_only=True):
    """A measured value of one step."""

    label: str
    value: float
    text: str
    """The value with its unit, written at the bar's end."""


class Panel(msgspec.Struct, frozen=True, kw_only=True):
    """The bars of one metric, all from zero on one scale."""

    title: str
    bars: Sequence[LessonBar]


class LessonPicture(msgspec.Struct, frozen=True, kw_only=True):
    """The picture of one lesson, not drawn yet."""

    panels: Sequence[Panel]
    alternative: str
    """The picture in words, for readers who do not see it."""


def picture_files(pictures: Sequence[LessonPicture]) -> list[str]:
    """The SVG file of each picture, in their order."""
    rendered = render_svgs([picture_specification(each.panels) for each in pictures])
    return [themed_file(svg, each.alternative) for svg, each in zip(rendered, pictures, strict=True)]


def themed_file(rendered: str, alternative: str) -> str:
    """The SVG with its title and a style rule for dark systems."""
    light, dark = theme_colors("light"), theme_colors("dark")
    opening = re.match(r"<svg[^>]*>", rendered)
    if opening is None:
        raise RuntimeError("vl-convert drew no SVG")
    rules = "".join(
        f'[{attribute}="{light[role]}"]{{{attribute}:{dark[role]}}}'
        for role in ROLES
        for attribute in ("fill", "stroke")
    )
    style = f"<style>@media (prefers-color-scheme: dark){{{rules}}}</style>"
    title = f"<title>{markup(alternative)}</title>"
    tag = opening[0].removesuffix(">") + ' role="img">'
    return f"{tag}{title}{style}{rendered[opening.end() :]}\n"


def picture_specification(panels: Sequence[Panel]) -> Specification:
    """The panels below one another, in the document's type and colours."""
    light = theme_colors("light")
    longest = max((len(bar.label) for panel in panels for bar in panel.bars), default=0)
    room = min(longest * PICTURE_CHARACTER, MOST_LABEL_WIDTH)
    return {
        "vconcat": [panel_specification(panel, light, room=room) for panel in panels],
        "spacing": 26,
        "background": light["surface"],
        "padding": 18,
        "config": {
            "font": "system-ui, sans-serif",
            "view": {"stroke": None},
            "title": {"color": light["ink"], "fontSize": 14, "fontWeight": "bold"},
            "axis": {"labelColor": light["muted"], "labelFontSize": 13, "domainColor": light["rule"], "ticks": False},
        },
    }


def panel_specification(panel: Panel, light: dict[str, str], *, room: float) -> Specification:
    """The bars, with their labels in a column ``room`` pixels wide and their values at their ends."""
    values = [{"label": bar.label, "value": bar.value, "text": bar.text} for bar in panel.bars]
    most = max((bar.value for bar in panel.bars), default=0) or 1
    labels = {"title": None, "labelAlign": "left", "labelLimit": room, "labelPadding": room + 8}
    encoding = {
        # Room for the value after the longest bar.
        "x": quantity("value", scale={"domain": [0, most * 1.3], "nice": False}, axis=None),
        "y": category("label", sort=[bar.label for bar in panel.bars], axis=labels),
    }
    texts = {**encoding, "text": category("text")}
    return {
        "layer": [
            mark_layer(values, "bar", encoding, color=light["accent"], cornerRadiusEnd=3, height=16),
            mark_layer(values, "text", texts, align="left", dx=7, color=light["ink"], fontSize=13),
        ],
        "width": PICTURE_WIDTH - room,
        "height": {"step": BAR_STEP},
        "title": {"text": panel.title, "anchor": "start", "frame": "bounds", "offset": 8},
    }
