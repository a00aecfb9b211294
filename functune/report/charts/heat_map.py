"""Best throughput of each setting as a table: a heat map that can be read aloud and printed."""

from functune.analysis import objective
from functune.analysis.bounds import threads
from functune.analysis.findings import Findings, RouteFindings
from functune.analysis.formatting import number, percent, plural
from functune.analysis.formatting import setting as setting_in_words
from functune.analysis.formatting import threads as threads_in_words
from functune.analysis.recommendation import Evidence
from functune.experiments import settings
from functune.measurements import Setting
from functune.report.charts.figure import ChartFigure, ChartInput
from functune.report.markup import Html, element, join, scroll_region

VIRIDIS = [(68, 1, 84), (71, 45, 123), (59, 82, 139), (44, 114, 142), (33, 145, 140), (40, 174, 128), (94, 201, 98)]
"""Matplotlib's viridis from 0 to 0.75: even in lightness and safe for colour-blind readers."""


def heat_map_figure(chart: ChartInput) -> ChartFigure | None:
    """Threads across and everything else down, or everything else across; None where only one setting was planned."""
    findings, route = chart.findings, chart.route
    planned = settings(findings.analysis.experiment.settings)
    measured = {step.setting for step in route.steps}
    if len({*planned, *measured}) < 2:
        return None
    counts = sorted(
        {one.thread_count for one in (*planned, *measured)}, key=lambda count: threads(Setting(thread_count=count))
    )
    rests = list(dict.fromkeys(map(without_threads, (*planned, *measured))))
    grid = [[with_threads(rest, count) for count in counts] for rest in rests]
    across, down = [threads_in_words(one) for one in grid[0]], [rest_in_words(rest, rests) for rest in rests]
    title = "Best throughput by threads" + (f" and {varying_knobs(rests)}" if len(rests) > 1 else "")
    if len(counts) == 1:
        title = f"Best throughput by {varying_knobs(rests)}"
        grid, across, down = [[row[0] for row in grid]], down, across
    drawn = grid_table(chart, grid, across, down)
    shown = {setting for row in grid for setting in row}
    return ChartFigure(
        title=title, after=join(scroll_region(drawn, label=title), absence_notes(findings, route, shown))
    )


def grid_table(chart: ChartInput, grid: list[list[Setting]], across: list[str], down: list[str]) -> Html:
    """A cell for each setting, under the heads of its column and row."""
    rows = [
        element("tr", element("th", head, scope="row"), *(heat_cell(chart.findings, chart.route, one) for one in row))
        for head, row in zip(down, grid, strict=True)
    ]
    return element(
        "table",
        element("caption", "Requests/s at the best number of users, and the share of the fastest setting"),
        element("thead", element("tr", element("td"), *(element("th", head, scope="col") for head in across))),
        element("tbody", *rows),
        class_="heat",
    )


def without_threads(setting: Setting) -> Setting:
    """The setting with its threads unset, which stands for its row."""
    return with_threads(setting, None)


def with_threads(setting: Setting, count: int | None) -> Setting:
    """The setting with another number of threads."""
    return Setting(
        process_count=setting.process_count,
        thread_count=count,
        per_instance_concurrency=setting.per_instance_concurrency,
        app_settings=setting.app_settings,
    )


def rest_in_words(rest: Setting, among: list[Setting]) -> str:
    """The head of a row: its processes, and any other knob that varies between the rows."""
    parts = [plural(rest.process_count, "process")] if len({each.process_count for each in among}) > 1 else []
    if len({each.per_instance_concurrency for each in among}) > 1:
        admitted = rest.per_instance_concurrency
        parts.append("any number at a time" if admitted is None else f"{admitted} at a time")
    if len({each.app_settings for each in among}) > 1:
        parts += [f"{name}={value}" for name, value in rest.app_settings] or ["no app settings"]
    return ", ".join(parts) or plural(rest.process_count, "process")


def varying_knobs(rests: list[Setting]) -> str:
    """The knobs that differ between the rows."""
    kinds = [
        ("processes", len({each.process_count for each in rests}) > 1),
        ("requests at a time", len({each.per_instance_concurrency for each in rests}) > 1),
        ("app settings", len({each.app_settings for each in rests}) > 1),
    ]
    return " and ".join(name for name, varies in kinds if varies)


def best_steps(route: RouteFindings) -> dict[Setting, Evidence]:
    """The best step of each setting that worked."""
    return {each.setting: each for each in route.recommended.evidence} if route.recommended else {}


def heat_cell(findings: Findings, route: RouteFindings, setting: Setting) -> Html:
    """One setting: its best step, or why there is none."""
    best = best_steps(route)
    failed = (route.route, setting) in findings.failed
    if (each := best.get(setting)) is None:
        return element("td", element("small", absence_in_words(findings, route, setting)), class_="none")
    share = each.throughput / max(one.throughput for one in best.values())
    background, text = cell_colors(share)
    is_best = route.recommended is not None and setting == route.recommended.setting
    return element(
        "td",
        element("b", number(each.throughput)),
        element("small", f"{percent(share)} · {plural(each.users, 'user')}"),
        element("small", "recommended") if is_best else None,
        element("small", "✗ partly failed") if failed else None,
        style=f"background:{background};color:{text}",
        class_="best" if is_best else None,
    )


def absence_in_words(findings: Findings, route: RouteFindings, setting: Setting) -> str:
    """Why a cell is empty, in a word or two; the notes below give the reason."""
    if (route.route, setting) in findings.failed:
        return "✗ failed"
    worked = [one.figures for one in route.candidates if one.setting == setting]
    if worked:
        wanted = findings.analysis.experiment.objective
        kept = not wanted or any(objective.parse(wanted).met(figures) for figures in worked)
        return "not on this plan" if kept else "✗ objective missed"
    if any(step.setting == setting for step in route.steps):
        return "✗ requests failed"
    return "skipped" if (route.route, setting) in findings.skipped else "not measured"


def absence_notes(findings: Findings, route: RouteFindings, shown: set[Setting]) -> Html | None:
    """Why settings failed, and why the search skipped others; None where neither happened."""
    measured = {step.setting for step in route.steps}
    failed = [
        (f"✗ {setting_in_words(setting)} failed", cause)
        for (one, setting), cause in findings.failed.items()
        if one == route.route and setting in shown
    ]
    skipped = [
        (f"{setting_in_words(setting)} skipped by the search", cause)
        for (one, setting), cause in findings.skipped.items()
        if one == route.route and setting in shown and setting not in measured
    ]
    lines = [element("li", join(element("b", what), f": {cause.splitlines()[0]}")) for what, cause in failed + skipped]
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
