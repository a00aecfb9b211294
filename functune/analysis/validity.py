"""Whether a step says something of the app: one that says more of the load generator is void, and left out."""

from collections.abc import Sequence

from functune.analysis.formatting import count, duration, percent, plural, rate
from functune.measurements import BUSY_GENERATOR, Measurement

LATE_SHARE = 0.01
"""Share of the intended arrivals that may be missing: with more the load was not the one asked for (method of wrk2)."""
HEADROOM = 5.0
"""How many times faster than a step the generator should be by itself, for its own share of a latency to be small."""

LONG_PAUSE = 0.25
"""Share of a window: its edges are looked for in a quarter of it at each end (load/windows.py)."""


def warnings(repeats: Sequence[Measurement]) -> tuple[str, ...]:
    """What is doubtful about measurements that are not void, a sentence each."""
    rare = [step for step in repeats if step.longest_pause > LONG_PAUSE * step.duration]
    if not rare:
        return ()
    pause = max(step.longest_pause for step in rare)
    return (
        f"No answer came for up to {duration(pause)} in {count(len(rare))} of {plural(len(repeats), 'measurement')}, "
        "more than a quarter of the window, so throughput is off by what falls at its edges: measure for "
        f"{duration(pause / LONG_PAUSE)} or longer.",
    )


def void_reason(step: Measurement) -> str | None:
    """Why a step must not be used, in words; None for one that may."""
    if step.generator_cpu > BUSY_GENERATOR:
        return (
            f"the load generator used {step.generator_cpu:.2f} of the one core it can use, so {rate(step.throughput)} "
            "may be its own limit; use fewer users, or run it on another machine"
        )
    if step.arrival_rate is not None and step.arrivals:
        sent = len(step.latencies_us) + len(step.error_latencies_us)
        if sent < (1 - LATE_SHARE) * step.arrivals and backlog_is_ours(step):
            return (
                f"only {percent(sent / step.arrivals)} of the intended arrivals were sent: all {step.users} "
                "connections were busy; that load needs more of them"
            )
    return None


def backlog_is_ours(step: Measurement) -> bool:
    """Whether arrivals waited for a connection and not only for the app: then all connections were in use."""
    return step.concurrency >= 0.99 * step.users
