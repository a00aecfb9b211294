"""
The picture of a lesson, as an SVG file: a bar for every decisive step, a panel for every metric.

It stands in a document whose page it knows nothing of, so it brings its own background. Colours are written out for
light pages; a style rule in the file turns each into its counterpart where the reader's system is dark. A viewer that
knows no style rules shows the light ones.
"""

import re
from collections.abc import Sequence
from typing import Any

import altair as alt
import msgspec
import vl_convert

from functune.report.assets.style import DARK, LIGHT
from functune.report.markup import markup

WIDTH = 700
"""Of the drawing, pixels: about the width of the text in a rendered document."""
CHARACTER = 7.2
"""Of a label, pixels: what a character takes at most, on average, in the usual fonts of this size."""
MOST_FOR_LABELS = 400
"""Pixels; longer labels are cut by the drawing, and the table beside it has them whole."""
BAR_HEIGHT = 30
ROLES = ("surface", "ink", "muted", "rule", "accent")


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """A measured value of one step."""

    label: str
    value: float
    text: str
    """The value with its unit, written at the bar's end."""


class Panel(msgspec.Struct, frozen=True, kw_only=True):
    """The bars of one metric, all from zero on one scale."""

    title: str
    bars: Sequence[Bar]


def colors(theme: str) -> dict[str, str]:
    """The colours of a theme of the report's style sheet that are used here, by role."""
    found = dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6})", theme))
    return {role: found[role] for role in ROLES}


def picture(panels: Sequence[Panel], *, alternative: str) -> str:
    """The SVG file; ``alternative`` is what it says to a reader who does not see it."""
    light, dark = colors(LIGHT), colors(DARK)
    longest = max((len(bar.label) for panel in panels for bar in panel.bars), default=0)
    room = min(longest * CHARACTER, MOST_FOR_LABELS)
    drawing = alt.vconcat(*(panel_chart(panel, light, room=room) for panel in panels), spacing=26)
    drawn = vl_convert.vegalite_to_svg(styled(drawing, light))
    opening = re.match(r"<svg[^>]*>", drawn)
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
    return f"{tag}{title}{style}{drawn[opening.end() :]}\n"


def panel_chart(panel: Panel, light: dict[str, str], *, room: float) -> "alt.LayerChart | alt.FacetChart":
    """The bars, with their labels in a column ``room`` pixels wide and their values at their ends."""
    rows = [{"label": bar.label, "value": bar.value, "text": bar.text} for bar in panel.bars]
    most = max((bar.value for bar in panel.bars), default=0) or 1
    y = alt.Y(
        "label:N",
        sort=[bar.label for bar in panel.bars],
        axis=alt.Axis(title=None, labelAlign="left", labelLimit=room, labelPadding=room + 8),
    )
    # Room for the value after the longest bar.
    x = alt.X("value:Q", scale=alt.Scale(domain=[0, most * 1.3], nice=False), axis=None)
    base = alt.Chart(alt.InlineData(values=rows)).encode(x=x, y=y)
    bars = base.mark_bar(color=light["accent"], cornerRadiusEnd=3, height=16)
    texts = base.mark_text(align="left", dx=7, color=light["ink"], fontSize=13).encode(text="text:N")
    return alt.layer(bars, texts).properties(
        width=WIDTH - room,
        height=alt.Step(BAR_HEIGHT),
        title=alt.TitleParams(panel.title, anchor="start", frame="bounds", offset=8),
    )


def styled(drawing: alt.VConcatChart, light: dict[str, str]) -> dict[str, Any]:
    """The specification in the document's type and colours."""
    specification: dict[str, Any] = (
        drawing.properties(background=light["surface"], padding=18)
        .configure(font="system-ui, sans-serif")
        .configure_view(stroke=None)
        .configure_title(color=light["ink"], fontSize=14, fontWeight="bold")
        .configure_axis(labelColor=light["muted"], labelFontSize=13, domainColor=light["rule"], ticks=False)
        .to_dict()
    )
    return specification
