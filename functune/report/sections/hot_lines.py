"""Where the time goes, by line: the lines of the reader's code at which a subject's calls spend their time."""

from functune.analysis.numbers.hot_lines import HotLine, SubjectProfile
from functune.formatting import duration, percent, plural
from functune.report.charts.heat_map import cell_colors
from functune.report.markup import Html, element, scroll_region
from functune.report.sections.cards import sign_of

TITLE = "Where the time goes, by line"


def hot_lines_block(profile: SubjectProfile | None) -> Html | None:
    """The table of a subject; None where it has no profile."""
    if profile is None or not profile.lines:
        return None
    note = (
        f"Sampled every 10 ms in a separate run with {profile.setting.in_words}, which is not a measurement: "
        f"{plural(profile.calls, 'call')} at {plural(profile.users, 'user')}, {plural(profile.samples, 'sample')}. "
        "A line is the innermost one outside the standard library and the packages. "
        "The line that grows most under load comes first; where none grows, the one that takes longest."
    )
    return element(
        "figure",
        element("figcaption", element("h3", TITLE), element("p", note)),
        scroll_region(hot_lines_table(profile), label=TITLE),
        class_="whole",
    )


def hot_lines_table(profile: SubjectProfile) -> Html:
    """A row per line, coloured by its share of the time of a call."""
    several = profile.users > 1
    heads = ["Line", "1 user", *([f"{profile.users} users", "Growth per call"] if several else [])]
    return element(
        "table",
        element("caption", "Share of the time of a call, and seconds per call"),
        element("thead", element("tr", *(element("th", head, scope="col") for head in heads))),
        element("tbody", *(line_row(line, several=several) for line in profile.lines)),
        class_="heat lines",
    )


def line_row(line: HotLine, *, several: bool) -> Html:
    """One line."""
    cells = [share_cell(line.share_alone, line.seconds_alone)]
    if several:
        growth = "-" if line.growth is None else f"{sign_of(line.growth)}{duration(abs(line.growth))}"
        cells += [share_cell(line.share_loaded, line.seconds_loaded), element("td", growth)]
    place = element(
        "th",
        element("code", f"{line.file}:{line.line}"),
        element("small", line.function),
        element("small", does_in_words(line)),
        scope="row",
    )
    return element("tr", place, *cells)


def share_cell(share: float | None, seconds: float | None) -> Html:
    """A share with its seconds."""
    if share is None or seconds is None:
        return element("td", element("small", "not measured"), class_="none")
    background, text = cell_colors(min(share, 1.0))
    return element(
        "td",
        element("b", percent(share)),
        element("small", duration(seconds)),
        style=f"background:{background};color:{text}",
    )


def does_in_words(line: HotLine) -> str:
    """The wait or the work at a line, such as ``waits in Lock.acquire``."""
    does = "computes" if line.waits_in is None else f"waits in {line.waits_in}"
    return f"{does} and holds the event loop" if line.on_loop else does


def hot_line_in_words(profile: SubjectProfile) -> str:
    """The first line of a profile as a sentence; empty without lines."""
    line = profile.hottest
    if line is None:
        return ""
    return (
        f"At {plural(profile.users, 'user')}, a call of {profile.subject} {does_in_words(line)} for "
        f"{duration(line.seconds_loaded)} ({percent(line.share_loaded)}) at {line.file}:{line.line} in {line.function}."
    )
