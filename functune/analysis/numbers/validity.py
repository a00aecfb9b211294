"""Whether a measurement counts: it is void when the load generator, not the app, determined it."""

from functune.analysis.numbers.generators import advice_on_generators, busiest_in_words
from functune.formatting import percent, rate
from functune.run.measurement import Measurement

LATE_SHARE = 0.01
"""Share of the intended arrivals that may be missing; beyond it the load was not the intended one (method of wrk2)."""


def void_reason(step: Measurement) -> str | None:
    """Why a measurement is void, in words; None for one that counts."""
    if step.is_generator_busy:
        return (
            f"{busiest_in_words(step)} of the one core it can use, so {rate(step.throughput)} may be its own limit; "
            f"{advice_on_generators(step)}"
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
    """Whether arrivals waited for a connection as well as for the app: all connections were in use then."""
    return step.concurrency >= 0.99 * step.users
