"""
From a chart's specification to inline SVG, and what all charts share: sizes, axes, how a setting looks.

Each chart is drawn twice, for a wide and a narrow screen, so that its text keeps its size; the page shows one of them.
Colours are CSS variables, which is how one drawing serves light, dark and print. Vega's own script stays out: the page
reads what it shows on hover from the ``data-tip`` of each mark.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import altair as alt
import msgspec
import vl_convert

from functune.analysis.formatting import plural
from functune.analysis.strategies import simplicity
from functune.measurements import Setting
from functune.report.markup import Html, element

RAMP = 8
"""Number of series colours in the style sheet, --series-0 (fewest threads) to --series-7."""
SHAPES = ["circle", "square", "triangle-up", "diamond", "cross", "triangle-down"]
LABEL_GAP = 14
"""Least distance of two direct labels, pixels."""


type Layers = alt.LayerChart | alt.FacetChart
"""What altair calls layers laid over one another."""


class Size(msgspec.Struct, frozen=True):
    """A drawing's size in pixels, and the class the page shows it by."""

    width: int
    height: int
    name: str


SIZES = [Size(540, 320, "wide"), Size(320, 280, "narrow")]


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """How a setting is told apart in every chart of its route."""

    label: str
    """What varies between the settings, and no more."""
    color: str
    shape: str


class Axis(msgspec.Struct, frozen=True, kw_only=True):
    """A logarithmic axis, so that N / S is a straight line and equal ratios are equal distances."""

    title: str
    low: float
    high: float
    labels: str
    """A Vega expression."""

    @property
    def ticks(self) -> list[float]:
        """1, 2 and 5 times the powers of ten from ``low`` to ``high``."""
        decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        ticks = [float(f"{digit}e{decade}") for decade in decades for digit in (1, 2, 5)]
        return [tick for tick in ticks if self.low <= tick <= self.high]

    def height_of(self, value: float, height: float) -> float:
        """The distance of a value from the top, of a plot so many pixels high."""
        return height * math.log(self.high / value) / math.log(self.high / self.low)

    def at_height(self, pixels: float, height: float) -> float:
        """The value at a distance from the top; the inverse of ``height_of``."""
        return float(self.high * (self.low / self.high) ** (pixels / height))

    def y(self) -> alt.Y:
        """As the vertical axis of a field named ``value``, its title above it."""
        return alt.Y(
            "value:Q",
            scale=alt.Scale(type="log", domain=[self.low, self.high], nice=False),
            axis=alt.Axis(
                values=self.ticks,
                title=self.title,
                labelExpr=self.labels,
                titleAngle=0,
                titleAlign="left",
                titleAnchor="start",
                titleX=-54,
                minExtent=54,
                titleY=-14,
            ),
        )


IN_MS_AND_S = "datum.value >= 1 ? datum.value + ' s' : format(datum.value * 1000, '~r') + ' ms'"
"""Tick labels of seconds."""


def axis(title: str, values: Sequence[float], *, labels: str) -> Axis:
    """An axis around the values, of a decade at least: less would blow noise up to a finding."""
    low, high = min(values) / 1.3, max(values) * 1.3
    margin = max(math.sqrt(10 * low / high), 1.0)
    return Axis(title=title, low=low / margin, high=high * margin, labels=labels)


def looks(settings: Iterable[Setting]) -> dict[Setting, Look]:
    """
    How each of the settings looks, simplest first.

    Colour follows the knob that varies, threads before processes before everything else; shape follows the rest.
    """
    ordered = sorted(set(settings), key=simplicity)
    threads = sorted({one.thread_count for one in ordered}, key=lambda count: (count is None, count))
    processes = sorted({one.process_count for one in ordered})
    rests = list(dict.fromkeys((one.per_instance_concurrency, one.app_settings) for one in ordered))
    if len(threads) > 1:
        places = {one: threads.index(one.thread_count) / (len(threads) - 1) for one in ordered}
    elif len(processes) > 1:
        places = {one: processes.index(one.process_count) / (len(processes) - 1) for one in ordered}
    else:
        places = {one: index / max(len(ordered) - 1, 1) for index, one in enumerate(ordered)}
    others = list(dict.fromkeys((one.process_count, one.per_instance_concurrency, one.app_settings) for one in ordered))
    return {
        one: Look(
            label=short(one, threads=len(threads) > 1, processes=len(processes) > 1, rest=len(rests) > 1),
            color=f"var(--series-{round(places[one] * (RAMP - 1))})",
            shape=SHAPES[
                others.index((one.process_count, one.per_instance_concurrency, one.app_settings)) % len(SHAPES)
            ],
        )
        for one in ordered
    }


def short(setting: Setting, *, threads: bool, processes: bool, rest: bool) -> str:
    """A setting as a direct label: only what varies."""
    if rest and not threads and not processes:
        admitted = setting.per_instance_concurrency
        parts = [] if admitted is None else [f"{admitted} at a time"]
        return ", ".join([*parts, *(f"{name}={value}" for name, value in setting.app_settings)]) or "as it is"
    if rest or (threads and processes):
        return str(setting)
    if processes:
        return plural(setting.process_count, "process")
    return "threads unset" if setting.thread_count is None else plural(setting.thread_count, "thread")


def apart(places: Sequence[float], height: float) -> list[float]:
    """Ascending places moved so that neighbours keep the label gap and the last stays within the height."""
    moved: list[float] = []
    for place in places:
        moved.append(max(place, moved[-1] + LABEL_GAP) if moved else place)
    limit = height
    for index in reversed(range(len(moved))):
        moved[index] = min(moved[index], limit)
        limit = moved[index] - LABEL_GAP
    return moved


def drawn(specify: Callable[[Size], Layers], *, label: str, sizes: Sequence[Size] = SIZES) -> Html:
    """Both drawings of a chart."""
    drawings = [
        element("div", svg(styled(specify(size), size), label=label), class_=f"drawing {size.name}") for size in sizes
    ]
    return Html("".join(drawings))


def rows(values: Sequence[Mapping[str, object]]) -> alt.Chart:
    """A chart of inline data."""
    return alt.Chart(alt.InlineData(values=list(values)))


def styled(layered: Layers, size: Size) -> dict[str, Any]:
    """The specification at a size, in the page's type and colours."""
    specification: dict[str, Any] = (
        layered.properties(
            width=size.width,
            height=size.height,
            background="transparent",
            padding={"left": 10, "top": 2, "right": 14, "bottom": 2},  # fonts wider than the one measured with
            autosize=alt.AutoSizeParams(type="fit", contains="padding"),
        )
        .configure(font="system-ui, sans-serif")
        .configure_view(stroke=None)
        .configure_axis(
            labelColor="var(--muted)",
            labelFontSize=12,
            titleColor="var(--muted)",
            titleFontSize=12,
            titleFontWeight="normal",
            titlePadding=10,
            gridColor="var(--rule)",
            domain=False,
            ticks=False,
            labelPadding=8,
        )
        .to_dict(validate=False)  # the parts were validated as they were made; once more costs a third of the time
    )
    return specification


def svg(specification: dict[str, Any], *, label: str) -> Html:
    """The drawing as an SVG element that is one image to a screen reader and scales to its place."""
    found = vl_convert.vegalite_to_svg(specification)
    opening = element("svg", xmlns="http://www.w3.org/2000/svg", role="img", aria_label=label, class_="chart")
    view_box = re.search(r'viewBox="[^"]*"', found)
    if view_box is None:
        raise RuntimeError("vl-convert drew an SVG without a viewBox")
    return Html(
        re.sub(r"<svg[^>]*>", lambda _: opening.removesuffix("></svg>") + f" {view_box[0]}>", slim(found), count=1)
    )


def slim(drawing: str) -> str:
    """
    An SVG without what the page has no use for, about a third of the size.

    The image is named as a whole, so its marks need neither role nor name; what they say on hover stays, as
    ``data-tip``. Coordinates are cut to a tenth of a pixel. The style sheet sets what all texts share.
    """
    drawing = COORDINATES.sub(lambda found: re.sub(r"(?<=\d\.\d)\d+", "", found[0]), drawing)
    for pattern, kept in SLIMMER:
        drawing = pattern.sub(kept, drawing)
    return drawing


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
