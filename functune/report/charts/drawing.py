"""
A chart as Vega-Lite at two sizes, and the inline SVG it becomes.

Each chart is drawn for a wide and for a narrow screen, so that its text keeps its size; the page shows one of them.
Colours are CSS variables, so one drawing serves light, dark and print. The page does without Vega's script: it reads
what it shows on hover from the ``data-tip`` of each mark.
"""

import re
from collections.abc import Callable, Sequence

import msgspec

from functune.report.charts.renderer import render_svgs
from functune.report.charts.vega import Specification
from functune.report.markup import Html, element


class Size(msgspec.Struct, frozen=True):
    """A drawing's size in pixels, and the CSS class that shows it."""

    width: int
    height: int
    name: str


class Margins(msgspec.Struct, frozen=True, kw_only=True):
    """Room around the plot for axes and labels, pixels."""

    left: float = 64
    """The default is that of a vertical ``LogAxis``."""
    right: float = 24
    top: float = 29
    """The default has room for the title of a vertical axis above it."""
    bottom: float = 42


WIDE, NARROW = Size(540, 320, "wide"), Size(320, 280, "narrow")


class Drawing(msgspec.Struct, frozen=True, kw_only=True):
    """One chart, not drawn yet."""

    alternative: str
    """The chart in words, for a screen reader."""
    specifications: tuple[Specification, Specification]
    """Vega-Lite, wide and narrow."""


def drawing(
    layers: Callable[[float], Sequence[Specification]],
    alternative: str,
    *,
    margins: Margins,
    plot_height: float | None = None,
) -> Drawing:
    """
    A chart of layers, lowest first, at both sizes.

    ``layers`` takes the height of the plot, pixels; ``plot_height`` gives it where it depends on the number of rows.
    """

    def sized(size: Size) -> Specification:
        height = plot_height or size.height - margins.top - margins.bottom
        return styled(layers(height), size.width - margins.left - margins.right, height, margins)

    return Drawing(alternative=alternative, specifications=(sized(WIDE), sized(NARROW)))


def styled(layers: Sequence[Specification], width: float, height: float, margins: Margins) -> Specification:
    """The layers with a plot of that size, in the page's type and colours."""
    return {
        "layer": list(layers),
        "width": width,
        "height": height,
        "background": "transparent",
        "padding": msgspec.structs.asdict(margins),
        # Vega would fit the plot to the labels, but by the fonts of this machine, and takes a third of the time for it.
        "autosize": {"type": "none"},
        "config": {
            "font": "system-ui, sans-serif",
            "view": {"stroke": None},
            "axis": {
                "labelColor": "var(--muted)",
                "labelFontSize": 12,
                "titleColor": "var(--muted)",
                "titleFontSize": 12,
                "titleFontWeight": "normal",
                "titlePadding": 10,
                "gridColor": "var(--rule)",
                "domain": False,
                "ticks": False,
                "labelPadding": 8,
            },
        },
    }


def draw(drawings: Sequence[Drawing]) -> list[Html]:
    """The HTML of each drawing, in their order: both sizes, of which the style sheet shows one."""
    rendered = iter(render_svgs([each for drawing in drawings for each in drawing.specifications]))
    return [
        Html(
            "".join(
                element("div", inline_svg(next(rendered), alternative=each.alternative), class_=f"drawing {size.name}")
                for size in (WIDE, NARROW)
            )
        )
        for each in drawings
    ]


def inline_svg(rendered: str, *, alternative: str) -> Html:
    """The SVG as an element that is one image to a screen reader and scales to its place."""
    opening = element("svg", xmlns="http://www.w3.org/2000/svg", role="img", aria_label=alternative, class_="chart")
    view_box = re.search(r'viewBox="[^"]*"', rendered)
    if view_box is None:
        raise RuntimeError("vl-convert drew an SVG without a viewBox")
    return Html(
        re.sub(r"<svg[^>]*>", lambda _: opening.removesuffix("></svg>") + f" {view_box[0]}>", slim(rendered), count=1)
    )


def slim(rendered: str) -> str:
    """
    The SVG without the parts that the page does not use, about a third of the size.

    The image has one name, so its marks need neither role nor name; their texts for hovering stay, as ``data-tip``.
    Coordinates are cut to a tenth of a pixel. The style sheet sets what all texts share.
    """
    rendered = COORDINATES.sub(lambda found: re.sub(r"(?<=\d\.\d)\d+", "", found[0]), rendered)
    for pattern, kept in SLIMMER:
        rendered = pattern.sub(kept, rendered)
    return rendered


COORDINATES = re.compile(r' (?:d|transform|x2|y2)="[^"]*"')


SLIMMER = [
    (re.compile(pattern), kept)
    for pattern, kept in (
        (r' (?:role|aria-roledescription|aria-hidden|font-family|pointer-events|stroke-miterlimit)="[^"]*"', ""),
        (r"(<path[^>]*?) aria-label=", r"\1 data-tip="),
        (r' aria-label="[^"]*"', ""),
        (r' (?:opacity|stroke-opacity|fill-opacity|stroke-width)="1"', ""),
        (r' (?:font-size="12px"|font-weight="normal"|text-anchor="start")', ""),
        (r'<path class="background" d="[^"]*"/>', ""),
        (r'<path class="foreground" d="" display="none"/>', ""),
        (r'<path( [^>]*?)? d="M([\d.]+),0A\2,\2,0,1,1,-\2,0A\2,\2,0,1,1,\2,0"', r'<circle\1 r="\2"'),
        (r' class="mark-(?!symbol|rect)[^"]*"', ""),
    )
]
