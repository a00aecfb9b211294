"""How reliable the figures are: checks of every step, steps that do not count, and how to read the figures."""

from collections import Counter
from collections.abc import Callable, Sequence

from functune.analysis.checks.drift import Drift
from functune.analysis.checks.interference import used_cores
from functune.analysis.laws import littles_law
from functune.analysis.numbers.levels import Level
from functune.analysis.numbers.repeats import ENOUGH, SAME
from functune.analysis.numbers.statistics import minimum_sample
from functune.analysis.trust import HEADROOM, Backlog, Trust, Worst
from functune.formatting import count, duration, number, percent, plural, rate
from functune.report.document import ReportDocument
from functune.report.markup import Content, Html, data_table, element
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


def reading_notes(found: Trust, levels: Sequence[Level]) -> list[str]:
    """How to read the figures, and the details of the checks."""
    errors = sum((Counter(level.figures.errors) for level in levels), Counter[str]())
    kinds = ", ".join(f"{kind}: {count(times)}" for kind, times in sorted(errors.items()))
    return [
        repeats_note(found),
        *littles_law_notes(found),
        *generator_notes(found),
        *calibration_notes(found),
        *(f"{name}: {drift.in_words}" for name, drift in found.drift.items()),
        *([backlog_note(found.backlog)] if found.backlog else []),
        *warm_up_notes(found),
        f"Failed requests: {kinds}." if kinds else "No request failed.",
        "Percentiles are order statistics over every successful request, none interpolated. A step with too few "
        f"requests has none: p50 below {minimum_sample(0.5)}, p95 below {minimum_sample(0.95)}, p99 "
        f"below {minimum_sample(0.99)}.",
        "Settings are compared in a closed loop: every user sends the next request when the last is answered. A closed "
        "loop shows capacity; an open loop shows the latency at a rate of arrivals.",
        f"The seed of order and arrivals was {seeds_in_words(found)}.",
    ]


def littles_law_notes(found: Trust) -> list[str]:
    """The steps that break Little's law, and how many have a window too short to check it."""
    lines = [f"Little's law is off by {percent(each.value)}: {each.at}." for each in found.littles_law_broken]
    if found.littles_law_unchecked:
        lines.append(
            f"In {plural(found.littles_law_unchecked, 'step')} the window was too short to check Little's law to "
            f"{percent(littles_law.LIMIT)}: the requests in flight at its edges explain the difference."
        )
    return lines


def repeats_note(found: Trust) -> str:
    """What the number of repeats means for the figures."""
    fewest, most = found.repeats
    if most <= 1:
        return (
            f"Each step was measured once: no figure has an interval, and throughputs less than {percent(SAME)} apart "
            f"count as equal. {ENOUGH} or more repeats in the experiment file give intervals."
        )
    if fewest < ENOUGH:
        return f"Steps with fewer than {ENOUGH} repeats show the range of their repeats, which is not an interval."
    return "Intervals are 95 % intervals of the mean over repeats, from the studentised bootstrap on logarithms."


def generator_notes(found: Trust) -> list[str]:
    """The steps that used most of the load generator, and the most cores that other programs used."""
    lines = []
    if found.generator_cpu_cores:
        who = "The load generator" if found.load_processes == 1 else "A load process"
        lines.append(
            f"{who} used at most {used_cores(found.generator_cpu_cores.value)} "
            f"({found.generator_cpu_cores.at}). It has one thread, so near 1 core a step measures the generator's own "
            "limit."
        )
    if found.clock_offset and found.clock_bound:
        lines.append(
            f"The requests were sent by up to {found.load_processes} load processes. By round trips of a message, "
            f"their clocks were at most {duration(found.clock_offset.value)} apart from that of the machine that "
            f"measures ({found.clock_offset.at}), known to within {duration(found.clock_bound.value)}; their times "
            "were moved by the difference. Latencies need no second clock."
        )
    if found.generator_lag_p99:
        lag = found.generator_lag_p99
        lines.append(f"It woke up to {duration(lag.value)} late at p99 ({lag.at}); latencies include that delay.")
    if found.other_cpu_cores:
        lines.append(
            f"Programs other than host and load generator used at most {used_cores(found.other_cpu_cores.value)} "
            f"({found.other_cpu_cores.at}); a step above {BUSY_MACHINE:g} has a warning."
        )
    if found.other_cpu_unknown:
        lines.append(f"The cores that other programs used are not known for {plural(found.other_cpu_unknown, 'step')}.")
    return lines


def calibration_notes(found: Trust) -> list[str]:
    """The throughput of the load generator alone, before and after the run."""
    named_ones = [("before", found.calibration_before), ("after", found.calibration_after)]
    known = [f"{rate(each.throughput)} {when}" for when, each in named_ones if each is not None]
    if not known:
        return ["The load generator was not calibrated in this run."]
    return [f"Against a server that does nothing the load generator reached {' and '.join(known)} the run."]


def backlog_note(backlog: Backlog) -> str:
    """How many arrivals were answered, and how late they were sent."""
    late = f"; sent up to {duration(backlog.late_p99.value)} late at p99" if backlog.late_p99 else ""
    return (
        f"Arrivals of the open loop: {count(backlog.intended)}; not answered in their window: "
        f"{count(backlog.missing)}{late}."
    )


def warm_up_notes(found: Trust) -> list[str]:
    """The warm-up of the steps."""
    if found.warm_up is None:
        return []
    low, high = found.warm_up
    span = duration(low) if low == high else f"{duration(low)} to {duration(high)}"
    return [f"Warm-up, not counted in any step: {span}."]


def seeds_in_words(found: Trust) -> str:
    """The seed, or each experiment's seed where they differ."""
    values = found.seeds
    if len(set(values.values())) == 1:
        return str(next(iter(values.values())))
    return ", ".join(f"{seed} ({name})" for name, seed in values.items())
