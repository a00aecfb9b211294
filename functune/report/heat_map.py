"""Best throughput by threads and processes, as a table: a heat map that can also be read aloud and printed."""

from functune.analysis.bounds import threads
from functune.analysis.formatting import number, percent, plural
from functune.analysis.formatting import threads as in_words
from functune.analysis.recommendation import Evidence, Recommendation
from functune.analysis.verdict import Analysis
from functune.measurements import Setting
from functune.report.markup import Html, element, scrolled

VIRIDIS = [(68, 1, 84), (71, 45, 123), (59, 82, 139), (44, 114, 142), (33, 145, 140), (40, 174, 128), (94, 201, 98)]
"""Matplotlib's viridis from 0 to 0.75: even in lightness and safe for colour-blind readers."""


def heat_map(analysis: Analysis, route: str, recommended: Recommendation | None, *, whole: bool) -> Html | None:
    """Threads across and processes down, or processes across alone; None for a single cell, which would say nothing."""
    settings = {step.setting for step in analysis.measurements if step.route == route}
    if len(settings) < 2:
        return None
    counts = sorted({one.thread_count for one in settings}, key=lambda count: threads(Setting(thread_count=count)))
    processes = sorted({one.process_count for one in settings})
    grid = [[Setting(process_count=count, thread_count=each) for each in counts] for count in processes]
    title = "Best throughput by threads and processes" if len(processes) > 1 else "Best throughput by threads"
    across, down = [in_words(one) for one in grid[0]], [plural(count, "process") for count in processes]
    if len(counts) == 1:
        title = "Best throughput by processes"
        grid, across, down = [[row[0] for row in grid]], down, across
    best = {each.setting: each for each in recommended.evidence} if recommended else {}
    rows = [
        element(
            "tr", element("th", head, scope="row"), *(cell(setting, best, recommended, settings) for setting in row)
        )
        for head, row in zip(down, grid, strict=True)
    ]
    drawn = element(
        "table",
        element("caption", "Requests/s at the best number of users, and the share of the fastest"),
        element("thead", element("tr", element("td"), *(element("th", head, scope="col") for head in across))),
        element("tbody", *rows),
        class_="heat",
    )
    caption = element("figcaption", element("h3", title))
    return element("figure", caption, scrolled(drawn, label=title), class_="whole" if whole else None)


def cell(
    setting: Setting, best: dict[Setting, Evidence], recommended: Recommendation | None, measured: set[Setting]
) -> Html:
    """One setting: its best step, or why there is none."""
    each = best.get(setting)
    if each is None or recommended is None:
        return element("td", element("small", "failed" if setting in measured else "not measured"), class_="none")
    share = each.throughput / max(one.throughput for one in best.values())
    background, text = colors(share)
    is_best = setting == recommended.setting
    return element(
        "td",
        element("b", number(each.throughput)),
        element("small", f"{percent(share)} · {plural(each.users, 'user')}"),
        element("small", "recommended") if is_best else None,
        style=f"background:{background};color:{text}",
        class_="best" if is_best else None,
    )


def colors(share: float) -> tuple[str, str]:
    """Background and text colour of a cell whose value is the share (0 to 1) of the highest."""
    place = share * (len(VIRIDIS) - 1)
    low = min(int(place), len(VIRIDIS) - 2)
    mixed = [round(a + (b - a) * (place - low)) for a, b in zip(VIRIDIS[low], VIRIDIS[low + 1], strict=True)]
    text = max(((255, 255, 255), (0, 0, 0)), key=lambda ink: contrast(ink, tuple(mixed)))
    return "#" + bytes(mixed).hex(), "#" + bytes(text).hex()


def contrast(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    """The contrast ratio of two colours, 1 to 21, by WCAG 2.2."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(color: tuple[int, ...]) -> float:
    """Relative luminance of an sRGB colour, by WCAG 2.2."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (part / 255 for part in color)]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
