"""How reliable the figures are: checks of every step, steps that do not count, and how to read the figures."""

from collections.abc import Callable

from functune.analysis.checks.drift import Drift
from functune.analysis.checks.interference import used_cores
from functune.analysis.laws import littles_law
from functune.analysis.numbers.repeats import ENOUGH
from functune.analysis.trust import HEADROOM, Trust, Worst
from functune.formatting import count, duration, number, percent
from functune.report.document import ReportDocument
from functune.report.markup import Content, Html, data_table, element
from functune.report.sections.reading_notes import reading_notes
from functune.run.measurement import BUSY_GENERATOR, BUSY_MACHINE

CLOCK_SHARE = 0.01
"""Share of a window that its edges may be off at a load process, since a rate is off by no more than that."""


def trust_section(document: ReportDocument) -> Html:
    """A table of checks, the measurements that are missing from the figures, and notes."""
    found = document.trust
    levels = [level for findings in document.experiments for level in (*findings.levels, *findings.arrivals)]
    caption = "Checks of every step of this run; the worst step decides"
    return element(
        "section",
        element("h2", "How far to trust this"),
        element(
            "div",
            data_table(caption, ["Check", "Found", "Sound", "Outcome"], check_rows(found), class_="claims"),
            class_="block",
        ),
        missing_figures(document),
        element(
            "div",
            element("h3", "How to read the figures"),
            element("ul", *(element("li", note) for note in reading_notes(found, levels)), class_="notes"),
            class_="block",
        ),
        id="trust",
    )


def check_rows(found: Trust) -> list[list[Content]]:
    """One row per check, including those that could not be made."""
    law, generator, others = found.littles_law_off, found.generator_cpu_cores, found.other_cpu_cores
    headroom = None if found.headroom is None else f"{number(found.headroom)} times"
    return [
        check_row(
            "Little's law, N = X R: residual",
            at_most(law, percent),
            f"below {percent(littles_law.LIMIT)}",
            None if law is None else law.value <= littles_law.LIMIT,
        ),
        check_row(
            "Load generator: cores used, of one" + (" for each process" if found.load_processes > 1 else ""),
            at_most(generator, used_cores),
            f"up to {BUSY_GENERATOR:g}",
            None if generator is None else generator.value <= BUSY_GENERATOR,
        ),
        *clock_rows(found),
        check_row(
            "Load generator alone, relative to the fastest step",
            headroom,
            f"{HEADROOM:g} times or more",
            None if headroom is None else found.enough_headroom,
        ),
        check_row(
            "Other programs: cores used",
            at_most(others, used_cores),
            f"up to {BUSY_MACHINE:g}",
            None if others is None else others.value <= BUSY_MACHINE,
        ),
        ["Repeats of each step", repeats_range(found), f"{ENOUGH} or more for an interval", repeats_mark(found)],
        *(
            check_row(
                f"Drift over the run, {name}",
                drift_in_words(drift),
                "none",
                not drift.matters,
            )
            for name, drift in found.drift.items()
        ),
        check_row("Steps that do not count", count(len(found.void)), "0", not found.void),
    ]


def check_row(name: str, seen: str | None, sound: str, holds: bool | None) -> list[Content]:
    """One row; ``seen`` is None where nothing is known."""
    if seen is None or holds is None:
        return [name, "not known", sound, element("span", "? not judged", class_="muted")]
    mark = element("span", "✓ sound", class_="good") if holds else element("span", "⚠ doubtful", class_="warning")
    return [name, seen, sound, mark]


def clock_rows(found: Trust) -> list[list[Content]]:
    """How well the clocks of several load processes are known; none where one process sent all requests."""
    if found.clock_share is None or found.clock_bound is None:
        return []
    return [
        check_row(
            "Clocks of the load processes: known to within",
            f"{duration(found.clock_bound.value)}, {percent(found.clock_share.value)} of the window",
            f"up to {percent(CLOCK_SHARE)} of the window",
            found.clock_share.value <= CLOCK_SHARE,
        )
    ]


def at_most(worst: Worst | None, write: Callable[[float], str]) -> str | None:
    """The highest value in words."""
    return None if worst is None else f"at most {write(worst.value)}"


def repeats_range(found: Trust) -> str:
    """How many times steps were measured."""
    fewest, most = found.repeats
    return str(fewest) if fewest == most else f"{fewest} to {most}"


def repeats_mark(found: Trust) -> Html:
    """Whether figures have intervals. Without them no figure is doubtful, only less certain."""
    if found.repeats[0] >= ENOUGH:
        return element("span", "✓ intervals", class_="good")
    return element("span", "? too few", class_="muted")


def drift_in_words(drift: Drift) -> str:
    """The change of the baseline over the run, with its interval."""
    return f"{percent(drift.change)} ({percent(drift.interval.low)} to {percent(drift.interval.high)})"


def missing_figures(document: ReportDocument) -> Html | None:
    """Steps that do not count and steps that could not be measured, each with its reason; None without any."""
    lines = [f"Does not count: {each.at}: {each.reason}." for each in document.trust.void]
    lines += [
        f"Not measured: {failure.subject}, {failure.setting} ({failure.experiment}, repeat {failure.repeat + 1}): "
        f"{failure.cause}"
        for failure in document.failures
    ]
    if not lines:
        return None
    return element(
        "div",
        element("h3", "Missing from the figures"),
        element("ul", *(element("li", line) for line in lines), class_="notes"),
        class_="block",
    )
