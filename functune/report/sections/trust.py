"""The page's section on what the figures can bear."""

from collections import Counter
from collections.abc import Callable, Sequence

from functune.analysis import littles_law
from functune.analysis.formatting import count, duration, number, percent, plural, rate
from functune.analysis.interference import cores
from functune.analysis.repeats import ENOUGH, Drift
from functune.analysis.statistics import minimum_sample
from functune.analysis.trust import Backlog, Trust, Worst, named
from functune.analysis.validity import HEADROOM
from functune.measurements import BUSY_GENERATOR, BUSY_MACHINE, Measurement
from functune.report.contents import Contents
from functune.report.markup import Content, Html, element, table


def trust_section(contents: Contents) -> Html:
    """What the figures can bear: a table of checks, what was left out, and how to read the figures."""
    found = contents.trust
    steps = [step for analysis in contents.analyses for step in (*analysis.measurements, *analysis.arrivals)]
    caption = "What was checked on every step of this run; the worst step counts"
    return element(
        "section",
        element("h2", "How far to trust this"),
        element(
            "div",
            table(caption, ["Check", "Found", "Sound", "Outcome"], checks(found), class_="claims"),
            class_="block",
        ),
        left_out(contents),
        element("ul", *(element("li", note) for note in notes(found, steps)), class_="notes"),
        id="trust",
    )


def checks(found: Trust) -> list[list[Content]]:
    """One row per check, with those that could not be made."""
    law, generator, others = found.littles_law, found.generator_cpu, found.other_cpu
    headroom = None if found.headroom is None else f"{number(found.headroom)} times"
    return [
        check(
            "Little's law, N = X R: off by",
            at_most(law, percent),
            f"below {percent(littles_law.LIMIT)}",
            None if law is None else law.value <= littles_law.LIMIT,
        ),
        check(
            "Load generator: cores, of the one it can use",
            at_most(generator, cores),
            f"up to {BUSY_GENERATOR:g}",
            None if generator is None else generator.value <= BUSY_GENERATOR,
        ),
        check(
            "Load generator alone, against a server that does nothing, over the fastest step",
            headroom,
            f"{HEADROOM:g} times or more",
            None if headroom is None else found.enough_headroom,
        ),
        check(
            "Other programs: cores",
            at_most(others, cores),
            f"up to {BUSY_MACHINE:g}",
            None if others is None else others.value <= BUSY_MACHINE,
        ),
        ["Repeats of each step", repeats(found), f"{ENOUGH} or more for an interval", enough(found)],
        *(
            check(f"Drift over the run, {name}", None if drift is None else change(drift), "none", steady(drift))
            for name, drift in found.drifts
        ),
        check("Steps that do not count", count(len(found.void)), "0", not found.void),
    ]


def check(name: str, seen: str | None, sound: str, holds: bool | None) -> list[Content]:
    """One row; None where there was nothing to see."""
    if seen is None or holds is None:
        return [name, "not known", sound, element("span", "? not judged", class_="muted")]
    mark = element("span", "✓ sound", class_="good") if holds else element("span", "⚠ doubtful", class_="warning")
    return [name, seen, sound, mark]


def at_most(worst: Worst | None, write: Callable[[float], str]) -> str | None:
    """The highest value in words."""
    return None if worst is None else f"at most {write(worst.value)}"


def repeats(found: Trust) -> str:
    """How often steps were measured."""
    fewest, most = found.repeats
    return str(fewest) if fewest == most else f"{fewest} to {most}"


def enough(found: Trust) -> Html:
    """Whether figures have intervals; that they have none makes no figure doubtful, only less certain."""
    if found.repeats[0] >= ENOUGH:
        return element("span", "✓ intervals", class_="good")
    return element("span", "? too few", class_="muted")


def change(drift: Drift) -> str:
    """How much the control changed."""
    return f"{percent(drift.change)} ({percent(drift.interval.low)} to {percent(drift.interval.high)})"


def steady(drift: Drift | None) -> bool | None:
    """Whether the machine stayed as it was."""
    return None if drift is None else not drift.matters


def left_out(contents: Contents) -> Html | None:
    """What was measured and does not count, and what could not be measured, each with its reason."""
    lines = [f"Does not count: {named(each.step)}: {each.reason}." for each in contents.trust.void]
    lines += [
        f"Not measured: {failure.route}, {failure.setting} ({failure.experiment}, repeat {failure.repeat + 1}): "
        f"{failure.cause}"
        for failure in contents.failures
    ]
    if not lines:
        return None
    return element(
        "div",
        element("h3", "What is left out"),
        element("ul", *(element("li", line) for line in lines), class_="notes"),
        class_="block",
    )


def notes(found: Trust, steps: Sequence[Measurement]) -> list[str]:
    """How to read the figures, and whatever the table has no room for."""
    errors = sum((Counter(step.errors) for step in steps), Counter[str]())
    kinds = ", ".join(f"{kind}: {count(times)}" for kind, times in sorted(errors.items()))
    return [
        repeats_note(found),
        *(
            f"Little's law is off by {percent(littles_law.residual(step) or 0.0)}: {named(step)}."
            for step in found.littles_law_broken
        ),
        *generator_notes(found),
        *calibration_notes(found),
        *(f"{name}: {drift.in_words}" for name, drift in found.drifts if drift is not None),
        *([backlog_note(found.backlog)] if found.backlog else []),
        *warm_up_notes(found),
        f"Failed requests: {kinds}." if kinds else "No request failed.",
        "Percentiles are order statistics of every successful request, none interpolated. They are left out of steps "
        f"with too few requests to bound them: p50 below {minimum_sample(0.5)}, p95 below {minimum_sample(0.95)}, p99 "
        f"below {minimum_sample(0.99)}.",
        "The load on settings is a closed loop: every user sends the next request when the last is answered. It shows "
        "capacity; latency at a given rate of arrivals is what an open loop shows.",
        f"Order and arrivals came from the seed {seeds(found)}.",
    ]


def repeats_note(found: Trust) -> str:
    """What repeats allow to be said."""
    fewest, most = found.repeats
    if most <= 1:
        return (
            "Each step was measured once: no figure has an interval across repeats, and throughputs less than 5 % "
            "apart count as equal. More repeats in the experiment file give intervals."
        )
    if fewest < ENOUGH:
        return f"Steps with fewer than {ENOUGH} repeats show the range of their repeats, which is no interval."
    return "Intervals are of the mean over repeats, by the studentised bootstrap on logarithms, 95 %."


def generator_notes(found: Trust) -> list[str]:
    """Which steps were the hardest on the load generator, and where others used the cores."""
    lines = []
    if found.generator_cpu:
        lines.append(
            f"The load generator used at most {cores(found.generator_cpu.value)} ({found.generator_cpu.at}); it has "
            "one thread, so near 1 its own limit is measured."
        )
    if found.generator_lag_p99:
        lag = found.generator_lag_p99
        lines.append(f"It woke up late by {duration(lag.value)} at p99 at worst ({lag.at}); latencies include that.")
    if found.other_cpu:
        lines.append(
            f"Programs other than host and load generator used at most {cores(found.other_cpu.value)} "
            f"({found.other_cpu.at}); above {BUSY_MACHINE:g} a step is warned of."
        )
    if found.other_cpu_unknown:
        lines.append(f"What other programs used is not known for {plural(found.other_cpu_unknown, 'step')}.")
    return lines


def calibration_notes(found: Trust) -> list[str]:
    """What the load generator reached by itself, before and after."""
    named_ones = [("before", found.before), ("after", found.after)]
    known = [f"{rate(each.throughput)} {when}" for when, each in named_ones if each is not None]
    if not known:
        return ["The load generator was not calibrated in this run."]
    return [f"Against a server that does nothing the load generator reached {' and '.join(known)} the run."]


def backlog_note(backlog: Backlog) -> str:
    """What became of the arrivals."""
    late = f"; at worst sent {duration(backlog.late_p99.value)} late at p99" if backlog.late_p99 else ""
    return (
        f"{count(backlog.intended)} arrivals were intended in the open loop, {count(backlog.missing)} of them not "
        f"answered in their window{late}."
    )


def warm_up_notes(found: Trust) -> list[str]:
    """How much was cut off the steps."""
    if found.warm_up is None:
        return []
    low, high = found.warm_up
    span = duration(low) if low == high else f"{duration(low)} to {duration(high)}"
    return [f"Cut off each step as warm-up: {span}."]


def seeds(found: Trust) -> str:
    """The seeds in words, each once where all experiments share it."""
    values = dict(found.seeds)
    if len(set(values.values())) == 1:
        return str(next(iter(values.values())))
    return ", ".join(f"{seed} ({name})" for name, seed in values.items())
