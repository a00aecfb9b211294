"""Where the time of a request goes, as stacked bars over the load."""

from collections.abc import Mapping, Sequence

from functune.analysis.laws.time_split import Split
from functune.formatting import duration, percent, plural
from functune.report.charts.axes import IN_MS_AND_S
from functune.report.charts.drawing import Drawing, Margins, drawing
from functune.report.charts.figure import Chart, ChartFigure, ChartInput
from functune.report.charts.vega import Specification, category, literal, mark_layer, quantity
from functune.report.markup import Html, element

PARTS = (("wait", "waiting for a thread or the event loop"), ("run", "in the handler"), ("rest", "host and transport"))
"""The parts from left to right, in words; their colours are --part-0 to --part-2 of report.css."""
BAR_HEIGHT = 26
"""Of a bar and its gap, pixels."""
LABELLED = 0.17
"""Share of the longest bar from which a part is wide enough for its own label."""


def time_figure(chart: ChartInput) -> ChartFigure | None:
    """The time of the recommended setting; None where the answers do not report it."""
    subject = chart.subject
    drawn = time_drawing(subject.splits)
    if drawn is None or subject.recommended is None:
        return None
    last = subject.splits[-1]
    title = (
        f"At {plural(last.users, 'user')}, {percent(last.wait / last.latency)} of the time is waiting "
        f"and {percent(last.run / last.latency)} the handler"
    )
    note = (
        f"Mean latency with {subject.recommended.setting.in_words}. Waiting lasts from where the host "
        "hands the call to a worker until the handler's first line; host and transport count both directions."
    )
    return ChartFigure(title=title, note=note, drawing=drawn, before=parts_legend())


CHART = Chart(figure=time_figure, width="rest", place=6)


def time_drawing(splits: Sequence[Split]) -> Drawing | None:
    """A stacked bar per number of users; None where the parts are not known."""
    if not splits:
        return None
    longest = max(each.latency for each in splits)
    bars = [bar for each in splits for bar in split_bars(each, longest)]
    order = [str(each.users) for each in splits]
    parts = "; ".join(
        f"{plural(each.users, 'user')}: "
        + ", ".join(f"{duration(getattr(each, part))} {words}" for part, words in PARTS)
        for each in splits
    )
    return drawing(
        lambda _: bar_layers(bars, order, longest),
        f"Mean latency in its parts. {parts}.",
        margins=Margins(left=50, right=32, top=23),
        plot_height=BAR_HEIGHT * len(order),
    )


def split_bars(split: Split, longest: float) -> list[dict[str, object]]:
    """The bars of one step, end to end, seconds."""
    found, start = [], 0.0
    for place, (name, words) in enumerate(PARTS):
        value = getattr(split, name)
        found.append(
            {
                "users": str(split.users),
                "start": start,
                "end": start + value,
                "middle": start + value / 2,
                "color": f"var(--part-{place})",
                "ink": f"var(--part-ink-{place})",
                "text": f"{duration(value)} {words}, {percent(value / split.latency)} · {plural(split.users, 'user')}",
                "label": duration(value) if value >= LABELLED * longest else "",
            }
        )
        start += value
    return found


def bar_layers(bars: Sequence[Mapping[str, object]], order: Sequence[str], longest: float) -> list[Specification]:
    """The bars, and labels in those that are wide enough."""
    axis = {
        "title": "Mean latency",
        "labelExpr": IN_MS_AND_S,
        "tickCount": 4,
        "labelOverlap": True,
        "labelSeparation": 12,
        "labelFlush": False,
    }
    x = quantity("start", scale={"domain": [0, longest], "nice": False}, axis=axis)
    y = category("users", sort=list(order), axis={"title": "Users", "titleAngle": 0, "titleY": -8, "titleX": -24})
    whole = {"x": x, "x2": {"field": "end"}, "y": y, "color": literal("color"), "description": category("text")}
    words = {"x": quantity("middle"), "y": y, "text": category("label"), "color": literal("ink")}
    labelled = [bar for bar in bars if bar["label"]]
    return [
        mark_layer(bars, "bar", whole, stroke="var(--surface)", strokeWidth=1.5, height={"band": 0.82}),
        mark_layer(labelled, "text", words, fontSize=12, aria=False),
    ]


def parts_legend() -> Html:
    """The meaning of the colours, in the order of the bars."""
    return element(
        "ul",
        *(
            element("li", element("span", "", class_=f"swatch part-{place}", aria_hidden="true"), words)
            for place, (_, words) in enumerate(PARTS)
        ),
        class_="legend",
    )
