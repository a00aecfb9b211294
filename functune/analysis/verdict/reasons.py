"""The limit of a subject in words: the sentence that stands as the reason under a recommendation."""

from functune.analysis.verdict.limit import Limit, LimitKind
from functune.formatting import joined

SENTENCES: dict[LimitKind, str] = {
    "threads": "The handler waits{at}, and its threads are the limit: more threads add throughput",
    "gil": "The handler computes in Python{at}, which keeps one core per process busy: processes add throughput, and "
    "threads do not once the core is busy",
    "cores": "The handler computes outside the GIL{at}: threads help, up to the cores of the instance",
    "event_loop_blocked": "The async handler blocks its event loop{at}, and every other call waits meanwhile: no "
    "setting repairs that, awaiting the call or asyncio.to_thread does",
    "event_loop_busy": "The async handler computes on its event loop{at}, which is one core per process: processes "
    "help, and so does moving the work off the loop",
    "lock": "The calls queue for a lock{at}: threads add no throughput, the code is the limit",
    "pool": "The calls wait for a place in a pool{at}: the size of that pool is the limit",
    "downstream": "The handler waits for a server that slows down as more calls reach it{at}: no setting of this app "
    "repairs that",
    "admission": "The instance admits no more calls at a time, and the others wait outside",
    "memory": "The memory of an instance excludes a faster setting",
    "host": "The handler is shorter than the host and transport around it, so there is nothing to tune",
    "generator": "The load generator is the limit: use another machine for it",
    "none": "No limit was reached with the users tried: calls did not take longer, so more users would be served",
    "unknown": "The limit is not known: {reason}",
}
"""The sentence of each kind, without its full stop; ``{at}`` is the line and ``{reason}`` why it is unknown."""


def limit_in_words(limit: Limit) -> str:
    """The limit in one sentence, with the line where one is known, and the figures in parentheses."""
    reason = f"{limit.reason[:1].lower()}{limit.reason[1:].rstrip('.')}"
    sentence = SENTENCES[limit.kind].format(at=line_in_words(limit), reason=reason)
    figures = joined(list(limit.evidence))
    return f"{sentence} ({figures})." if figures else f"{sentence}."


def line_in_words(limit: Limit) -> str:
    """`` at shop/orders.py:31 in save, in Lock.acquire``; empty without a line."""
    if limit.where is None:
        return ""
    waits = f", in {limit.where.waits_in}" if limit.where.waits_in else ""
    return f" at {limit.where}{waits}"
