"""Best throughput of each setting as a table: a heat map that can be read aloud and printed."""

import msgspec

from functune.experiments.planned import planned_settings
from functune.formatting import number, percent, plural
from functune.report.charts.figure import Chart, ChartFigure, ChartInput
from functune.report.markup import Html, element, join, scroll_region
from functune.setting import Setting, titles_of, varying_knobs, words_of

VIRIDIS = [(68, 1, 84), (71, 45, 123), (59, 82, 139), (44, 114, 142), (33, 145, 140), (40, 174, 128), (94, 201, 98)]
"""Matplotlib's viridis from 0 to 0.75: even in lightness and safe for colour-blind readers."""


def heat_map_figure(chart: ChartInput) -> ChartFigure | None:
    """Threads across and everything else down, or everything else across; None where only one setting was planned."""
    planned = planned_settings(chart.findings.experiment.settings)
    settings = list(dict.fromkeys([*planned, *(level.setting for level in chart.subject.levels)]))
    if len(settings) < 2:
        return None
    counts = list(dict.fromkeys(one.thread_count for one in sorted(settings, key=lambda one: one.threads)))
    rests = list(dict.fromkeys(with_threads(one, None) for one in settings))
    varying = varying_knobs(rests)
    names = [knob.name for knob in varying] or ["process_count"]
    grid = [[with_threads(rest, count) for count in counts] for rest in rests]
    across = [words_of(one, ["thread_count"]) for one in grid[0]]
    down = [words_of(rest, names) for rest in rests]
    title = "Best throughput by threads" + (f" and {titles_of(varying)}" if varying else "")
    if len(counts) == 1:
        title = f"Best throughput by {titles_of(varying)}"
        grid, across, down = [[row[0] for row in grid]], down, across
    drawn = grid_table(chart, grid, across, down)
    shown = {setting for row in grid for setting in row}
    return ChartFigure(title=title, after=join(scroll_region(drawn, label=title), absence_notes(chart, shown)))


CHART = Chart(figure=heat_map_figure, width="whole", place=5)


def grid_table(chart: ChartInput, grid: list[list[Setting]], across: list[str], down: list[str]) -> Html:
    """A cell for each setting, under the heads of its column and row."""
    rows = [
        element("tr", element("th", head, scope="row"), *(heat_cell(chart, one) for one in row))
        for head, row in zip(down, grid, strict=True)
    ]
    return element(
        "table",
        element("caption", "Requests/s at the best number of users, and the share of the fastest setting"),
        element("thead", element("tr", element("td"), *(element("th", head, scope="col") for head in across))),
        element("tbody", *rows),
        class_="heat",
    )


def with_threads(setting: Setting, count: int | None) -> Setting:
    """The setting with another number of threads."""
    return msgspec.structs.replace(setting, thread_count=count)


def heat_cell(chart: ChartInput, setting: Setting) -> Html:
    """One setting: its best step, or why there is none."""
    recommended = chart.subject.recommended
    best = {each.setting: each for each in recommended.evidence} if recommended else {}
    if recommended is None or (each := best.get(setting)) is None:
        return element("td", element("small", absence_in_words(chart, setting)), class_="none")
    share = each.throughput / max(one.throughput for one in best.values())
    background, text = cell_colors(share)
    is_best = setting == recommended.setting
    partly = chart.findings.failure(chart.subject.subject, setting) is not None
    return element(
        "td",
        element("b", number(each.throughput)),
        element("small", f"{percent(share)} · {plural(each.users, 'user')}"),
        element("small", "recommended") if is_best else None,
        element("small", "✗ partly failed") if partly else None,
        style=f"background:{background};color:{text}",
        class_="best" if is_best else None,
    )


def absence_in_words(chart: ChartInput, setting: Setting) -> str:
    """Why a cell is empty, in a word or two; the notes below give the reason."""
    findings, subject = chart.findings, chart.subject.subject
    own = [level for level in chart.subject.levels if level.setting == setting]
    if (failure := findings.failure(subject, setting)) is not None:
        return "✗ failed" if failure.unfit_mb is None else f"✗ does not fit {failure.unfit_mb:,} MB"
    if any(level.figures.worked for level in own):
        return "✗ objective missed"
    if own:
        return "✗ requests failed"
    return "skipped" if findings.skip(subject, setting) is not None else "not measured"


def absence_notes(chart: ChartInput, shown: set[Setting]) -> Html | None:
    """Why settings failed, and why the search skipped others; None where neither happened."""
    subject = chart.subject.subject
    measured = {level.setting for level in chart.subject.levels}
    failed = [
        (f"✗ {each.setting.in_words}{' failed' if each.unfit_mb is None else ''}", each.reason)
        for each in chart.findings.failed
        if each.subject == subject and each.setting in shown
    ]
    skipped = [
        (f"{each.setting.in_words} skipped by the search", each.reason)
        for each in chart.findings.skipped
        if each.subject == subject and each.setting in shown - measured
    ]
    lines = [
        element("li", join(element("b", what), f": {cause.partition('\n')[0]}")) for what, cause in failed + skipped
    ]
    return element("ul", *lines, class_="notes") if lines else None


def cell_colors(share: float) -> tuple[str, str]:
    """Background and text colour of a cell whose value is the share (0 to 1) of the highest."""
    place = share * (len(VIRIDIS) - 1)
    low = min(int(place), len(VIRIDIS) - 2)
    mixed = [round(a + (b - a) * (place - low)) for a, b in zip(VIRIDIS[low], VIRIDIS[low + 1], strict=True)]
    text = max(((255, 255, 255), (0, 0, 0)), key=lambda ink: contrast_ratio(ink, tuple(mixed)))
    return "#" + bytes(mixed).hex(), "#" + bytes(text).hex()


def contrast_ratio(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    """The contrast ratio of two colours, 1 to 21, by WCAG 2.2."""
    lighter, darker = sorted((relative_luminance(one), relative_luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def relative_luminance(color: tuple[int, ...]) -> float:
    """Relative luminance of an sRGB colour, by WCAG 2.2."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (part / 255 for part in color)]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
