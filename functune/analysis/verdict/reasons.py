"""The limit of a subject as a sentence: why the recommended setting is the best of those measured."""

from collections.abc import Callable

from functune.analysis.verdict.limit import Evidence, Limit, LimitKind, service_under_load
from functune.formatting import duration, joined, number


def reason_of(limit: Limit, evidence: Evidence) -> str:
    """The limit in one sentence or two, with the line where one is known, and the figures."""
    sentence = SENTENCES[limit.kind](limit, evidence)
    figures = joined(list(limit.evidence))
    return f"{sentence} ({figures})." if figures and limit.kind != "unknown" else f"{sentence}."


def at_line(limit: Limit) -> str:
    """`` at shop/orders.py:31 in save, in Lock.acquire``; empty without a line."""
    if limit.where is None:
        return ""
    waits = f", in {limit.where.waits_in}" if limit.where.waits_in else ""
    return f" at {limit.where}{waits}"


def threads(limit: Limit, evidence: Evidence) -> str:
    """A ``def`` handler that waits."""
    return f"The handler waits{at_line(limit)}, and its threads are the limit"


def gil(limit: Limit, evidence: Evidence) -> str:
    """Python code under the GIL."""
    return f"The handler computes in Python{at_line(limit)}, where threads share one core per process: processes help"


def cores(limit: Limit, evidence: Evidence) -> str:
    """Computing outside the GIL."""
    return f"The handler computes outside the GIL{at_line(limit)}, so threads help up to the cores of the instance"


def event_loop_blocked(limit: Limit, evidence: Evidence) -> str:
    """A wait that is not awaited."""
    return (
        f"The async handler blocks its event loop{at_line(limit)}: every other call waits meanwhile. No setting repairs "
        "that; awaiting the call or asyncio.to_thread does"
    )


def event_loop_busy(limit: Limit, evidence: Evidence) -> str:
    """Computing on the loop."""
    return (
        f"The async handler computes on its event loop{at_line(limit)}: one core per process. Processes help, and so does "
        "moving the work off the loop"
    )


def lock(limit: Limit, evidence: Evidence) -> str:
    """Calls queue for a lock."""
    return f"The calls queue for a lock{at_line(limit)}: one after another, with any setting. The code is the limit"


def pool(limit: Limit, evidence: Evidence) -> str:
    """Calls queue for a place."""
    places = places_seen(evidence)
    return f"The calls wait for a place in a pool{at_line(limit)}; about {places} are served at a time per process"


def places_seen(evidence: Evidence) -> str:
    """The true number of places: throughput times the time of a call alone, per process."""
    alone = evidence.service_alone
    return number(evidence.at.throughput * alone.mean / evidence.processes, digits=2) if alone is not None else "few"


def downstream(limit: Limit, evidence: Evidence) -> str:
    """A server behind the app."""
    return f"The handler waits for a server that slows down as more calls reach it{at_line(limit)}: not a setting of this app"


def admission(limit: Limit, evidence: Evidence) -> str:
    """The instance admits few."""
    return "The instance admits no more calls at a time, and the others wait outside"


def memory(limit: Limit, evidence: Evidence) -> str:
    """The instance's memory."""
    return "The memory of the instance excludes a faster setting"


def host(limit: Limit, evidence: Evidence) -> str:
    """Nothing to tune."""
    return "The handler is shorter than the host and transport around it, so there is nothing to tune"


def generator(limit: Limit, evidence: Evidence) -> str:
    """Another generator."""
    return "The load generator is the limit: use another machine for it"


def none(limit: Limit, evidence: Evidence) -> str:
    """More users."""
    loaded = service_under_load(evidence.at)
    length = f" of {duration(loaded)}" if loaded is not None else ""
    return f"No limit was reached with the users tried: calls{length} did not get longer, so more users would be served"


def unknown(limit: Limit, evidence: Evidence) -> str:
    """With the reason."""
    return f"The limit is not known: {limit.reason[:1].lower()}{limit.reason[1:].rstrip('.')}"


SENTENCES: dict[LimitKind, Callable[[Limit, Evidence], str]] = {
    "threads": threads,
    "gil": gil,
    "cores": cores,
    "event_loop_blocked": event_loop_blocked,
    "event_loop_busy": event_loop_busy,
    "lock": lock,
    "pool": pool,
    "downstream": downstream,
    "admission": admission,
    "memory": memory,
    "host": host,
    "generator": generator,
    "none": none,
    "unknown": unknown,
}
