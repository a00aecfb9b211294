"""Where the time of a request goes, as stacked bars over the load."""

from collections.abc import Mapping, Sequence

import altair as alt

from functune.analysis.formatting import duration, percent, plural
from functune.analysis.time_split import Split
from functune.report.charts.drawing import IN_MS_AND_S, SIZES, Layers, Size, drawn, rows
from functune.report.markup import Html, element

PARTS = (("wait", "waiting for a thread or the event loop"), ("run", "in the handler"), ("rest", "host and transport"))
"""The parts from left to right, in words; their colours are --part-0 to --part-2."""
ROW = 26
"""Height of a bar with its gap, pixels."""
LABELLED = 0.17
"""Share of the longest bar from which a part is wide enough for its own label."""


def time_chart(splits: Sequence[Split]) -> Html | None:
    """Stacked bars, one per number of users; None where the parts are not known."""
    if not splits:
        return None
    longest = max(each.latency for each in splits)
    bars = [bar for each in splits for bar in parts(each, longest)]
    order = [str(each.users) for each in splits]
    sizes = [Size(size.width, ROW * len(order) + 60, size.name) for size in SIZES]
    said = "; ".join(
        f"{plural(each.users, 'user')}: "
        + ", ".join(f"{duration(getattr(each, part))} {words}" for part, words in PARTS)
        for each in splits
    )
    return drawn(lambda _: layers(bars, order, longest), label=f"Mean latency in its parts. {said}.", sizes=sizes)


def parts(split: Split, longest: float) -> list[dict[str, object]]:
    """The bars of one step, end to end."""
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


def layers(bars: Sequence[Mapping[str, object]], order: Sequence[str], longest: float) -> Layers:
    """The bars, and labels in those that are wide enough."""
    x = alt.X(
        "start:Q",
        scale=alt.Scale(domain=[0, longest], nice=False),
        axis=alt.Axis(title="Mean latency", labelExpr=IN_MS_AND_S, tickCount=4, labelOverlap=True, labelFlush=False),
    )
    y = alt.Y("users:N", sort=list(order), axis=alt.Axis(title="Users", titleAngle=0, titleY=-8, titleX=-24))
    return alt.layer(
        rows(bars)
        .mark_bar(stroke="var(--surface)", strokeWidth=1.5, height={"band": 0.82})
        .encode(x=x, x2="end:Q", y=y, color=alt.Color("color:N", scale=None), description="text:N"),
        rows([bar for bar in bars if bar["label"]])
        .mark_text(fontSize=12, aria=False)
        .encode(x=alt.X("middle:Q"), y=y, text="label:N", color=alt.Color("ink:N", scale=None)),
    )


def legend() -> Html:
    """What the colours stand for, in the order of the bars."""
    return element(
        "ul",
        *(
            element("li", element("span", "", class_=f"swatch part-{place}", aria_hidden="true"), words)
            for place, (_, words) in enumerate(PARTS)
        ),
        class_="legend",
    )
