"""The limit of a subject in words: the sentence that stands as the reason under a recommendation."""

from functune.analysis.verdict.limit import Limit, LimitKind
from functune.analysis.verdict.limiter_line import limiter_line
from functune.formatting import joined

SENTENCES: dict[LimitKind, str] = {
    "threads": "The handler waits{at} and keeps every thread busy: more threads add throughput",
    "gil": "The handler computes in Python{at}, so the GIL lets each process use one core only: more processes add "
    "throughput, more threads do not once that core is busy",
    "cores": "The handler computes outside the GIL{at}: more threads add throughput, up to the number of cores",
    "instance": "The cores of the instance are used up{at}: a larger instance adds throughput, more threads or "
    "processes do not",
    "event_loop_blocked": "The async handler blocks its event loop{at}, and every other call of the process waits "
    "meanwhile: await the call, or move it to a thread with asyncio.to_thread",
    "event_loop_busy": "The async handler computes on its event loop{at}, which uses one core per process: more "
    "processes add throughput, more threads do not",
    "lock": "Calls queue for a lock{at}: more threads add no throughput; holding the lock for a shorter time does",
    "pool": "Calls wait for a free place in a pool{at}: the size of that pool is the limit, and more threads add no "
    "throughput",
    "downstream": "The handler waits for a server that answers more slowly the more calls reach it{at}: no setting of "
    "this app changes that",
    "admission": "The host admits no more calls at a time, and the others wait outside the app: the per-instance "
    "concurrency, or maxConcurrentRequests in host.json, is the limit",
    "memory": "The memory of an instance rules out a faster setting",
    "host": "The handler takes less time than the host and the transport around it, so there is nothing to tune",
    "generator": "The load generator is the limit, not the app: run it on another machine",
    "none": "No limit was reached: calls take no longer with more users, so measure with more of them",
    "unknown": "The limit is not known: {reason}",
}
"""The sentence of each kind, without its full stop; ``{at}`` is the line and ``{reason}`` why it is unknown."""
WITH_REASON: dict[LimitKind, str] = {
    "threads": "The handler waits{at} and keeps every thread busy; {reason}",
    "memory": "The app needs more memory than the instance has; {reason}",
    "admission": "The host admits no more calls at a time; {reason}",
}
"""
The sentences of ``threads`` where no figures show that more add throughput, of ``memory`` where nothing fits, and of
``admission`` where the host refuses calls.
"""

REMEDIES: dict[str, str] = {
    "anyio CapacityLimiter": ". For the `def` endpoints of FastAPI and Starlette it is a limiter of threads in each "
    f"process, 40 unless the app sets another number in its lifespan: {limiter_line(100)}. An experiment with "
    'limiter_tokens = ["unset", 100] under [settings] measures the app with other numbers, without a change to it',
}
"""More about a pool, by the name of what calls wait in."""


def limit_in_words(limit: Limit) -> str:
    """The limit in one sentence, with the line where one is known, and the figures in parentheses; then the remedy."""
    reason = f"{limit.reason[:1].lower()}{limit.reason[1:].rstrip('.')}"
    sentences = SENTENCES | WITH_REASON if limit.reason else SENTENCES
    sentence = sentences[limit.kind].format(at=line_in_words(limit), reason=reason)
    figures = joined(list(limit.evidence))
    remedy = REMEDIES.get(limit.where.waits_in or "", "") if limit.kind == "pool" and limit.where is not None else ""
    return f"{sentence} ({figures}){remedy}." if figures else f"{sentence}{remedy}."


def line_in_words(limit: Limit) -> str:
    """`` at shop/orders.py:31 in save, in Lock.acquire``; empty without a line."""
    if limit.where is None:
        return ""
    waits = f", in {limit.where.waits_in}" if limit.where.waits_in else ""
    return f" at {limit.where}{waits}"
