"""How to read the figures of a run, and the details of the checks of its steps, a sentence each."""

from collections import Counter
from collections.abc import Sequence

from functune.analysis.checks.interference import used_cores
from functune.analysis.laws import littles_law
from functune.analysis.numbers.levels import Level
from functune.analysis.numbers.repeats import ENOUGH, SAME
from functune.analysis.numbers.statistics import minimum_sample
from functune.analysis.trust import Backlog, Trust
from functune.formatting import count, duration, percent, plural, rate
from functune.run.measurement import BUSY_MACHINE


def reading_notes(found: Trust, levels: Sequence[Level]) -> list[str]:
    """How to read the figures, and the details of the checks."""
    errors = sum((Counter(level.figures.errors) for level in levels), Counter[str]())
    kinds = ", ".join(f"{kind}: {count(times)}" for kind, times in sorted(errors.items()))
    return [
        repeats_note(found),
        *littles_law_notes(found),
        *generator_notes(found),
        *clock_notes(found),
        *other_program_notes(found),
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
    """The meaning of the number of repeats for the figures."""
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
    """The most cores that the load generator used, and the latest that it woke up."""
    who = "The load generator" if found.load_processes == 1 else "A load process"
    lines = []
    if found.generator_cpu_cores:
        lines.append(
            f"{who} used at most {used_cores(found.generator_cpu_cores.value)} "
            f"({found.generator_cpu_cores.at}). It has one thread, so near 1 core a step measures the generator's own "
            "limit."
        )
    if found.generator_lag_p99:
        lag = found.generator_lag_p99
        lines.append(f"{who} woke up to {duration(lag.value)} late at p99 ({lag.at}); latencies include that delay.")
    return lines


def clock_notes(found: Trust) -> list[str]:
    """How far the clocks of several load processes were apart; none where one process sent all requests."""
    if not found.clock_offset or not found.clock_bound:
        return []
    return [
        f"Up to {found.load_processes} load processes sent the requests. Round trips of a message show that their "
        f"clocks differed by at most {duration(found.clock_offset.value)} from that of the measuring machine "
        f"({found.clock_offset.at}), to within {duration(found.clock_bound.value)}; functune corrected their times by "
        "the difference. A latency needs only one clock."
    ]


def other_program_notes(found: Trust) -> list[str]:
    """The most cores that other programs used, and the steps for which they are not known."""
    lines = []
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
