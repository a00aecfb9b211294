"""The rules for handlers that wait: for a thread, a lock, a place in a pool or a server, or for nothing yet."""

import msgspec

from functune.analysis.numbers.hot_lines import HotLine
from functune.analysis.numbers.levels import Level
from functune.analysis.verdict.limit import Limit, LimitKind, limit_place, sentence_start, unknown_limit
from functune.analysis.verdict.limit_around import MOSTLY, NEAR
from functune.analysis.verdict.limit_evidence import (
    INFLATED,
    LimitEvidence,
    crowd,
    heaviest,
    service_under_load,
)
from functune.formatting import count, duration, number, percent, plural, rate
from functune.run.measurement import BUSY_MACHINE, HOST_REFUSAL
from functune.run.profile import LineKind

SCALES = 0.8
"""Share of N from which throughput still grows with the users."""
EXPLAINED = 0.5
"""Share of the growth of a call that one line must explain to be named."""
DOUBLES = 1.3
"""Factor of throughput from one to two processes, or from few to many threads, below which it counts as the same."""
TWICE = 1.6
"""Factor of throughput from one to two processes from which each of them serves as much as one does alone."""
UNTRIED_THREADS = (
    "no setting with more threads was measured to serve more, so measure one: a lock or a pool may be the next limit"
)
WAITS: dict[LineKind, LimitKind] = {"lock": "lock", "file lock": "lock", "pool": "pool", "executor": "pool"}
"""The limit that a wait points to, by what the line waits in; a network wait needs a second look."""


def open_limit(evidence: LimitEvidence) -> Limit | None:
    """Calls take as long under load as alone: the threads of some setting were the limit, or no limit was reached."""
    alone, loaded = evidence.service_alone, service_under_load(evidence.at)
    if alone is None or loaded is None or loaded >= INFLATED * alone.mean:
        return None
    seen = (
        f"a call takes {duration(loaded)} in its handler with {plural(evidence.at.users, 'user')}, "
        f"{duration(alone.mean)} with one"
    )
    full = max(filter(is_full, evidence.levels), key=crowd, default=None)
    if full is not None and not evidence.is_async:
        return busy_computing(full, seen) or threads_limit(evidence, full, seen)
    latency = evidence.latency_alone or alone.mean
    growth = f"{plural(evidence.at.users, 'user')} get {number(evidence.at.throughput * latency)} times what one gets"
    if evidence.at.throughput < SCALES * evidence.at.users / latency:
        wait, others = evidence.at.figures.wait, evidence.at.figures.other_cpu or 0.0
        before = f" and waits {duration(wait.mean)} before it" if wait is not None else ""
        busy = f"; other programs used {number(others, digits=2)} cores: measure again on an idle machine"
        return unknown_limit(
            f"{sentence_start(seen)}{before}, yet {growth}, so the time passes outside of the handler"
            f"{silent_processes(evidence)}{busy if others > BUSY_MACHINE else ''}."
        )
    return refused_limit(evidence) or Limit(kind="none", where=None, share=None, evidence=(seen, growth))


def silent_processes(evidence: LimitEvidence) -> str:
    """That only some processes served the level, as a clause: the requests wait there. Empty where all served it."""
    serving = evidence.at.figures.serving_processes
    if serving is None or serving >= evidence.processes:
        return ""
    return f"; {serving} of {plural(evidence.processes, 'process')} served all requests"


def refused_limit(evidence: LimitEvidence) -> Limit | None:
    """With more users the host refused calls; with fewer, calls take as long as alone, so nothing else held them."""
    more = [level for level in evidence.failed if crowd(level) > crowd(evidence.at)]
    refusing = next((level for level in sorted(more, key=crowd) if level.figures.errors.get(HOST_REFUSAL)), None)
    if refusing is None:
        return None
    figures = refusing.figures
    refused, requests = figures.errors[HOST_REFUSAL], figures.requests + figures.failed
    if refused < MOSTLY * figures.failed:
        return None
    return Limit(
        kind="admission",
        where=None,
        share=None,
        evidence=(
            f"with {plural(evidence.at.users, 'user')} it refused none, with {plural(refusing.users, 'user')} "
            f"{count(refused)} of {plural(requests, 'request')}",
        ),
        reason="it answers more of them with 429: maxOutstandingRequests in host.json is the limit, or "
        "dynamicThrottlesEnabled",
    )


def busy_computing(full: Level, seen: str) -> Limit | None:
    """Unknown where the busy threads of a level compute most of their time: more threads would have to share a core."""
    service, cpu, others = service_under_load(full), full.figures.cpu, full.figures.other_cpu or 0.0
    if service is None or cpu is None or cpu.mean < MOSTLY * service:
        return None
    busy = f"other programs used {number(others, digits=2)} cores: " if others > BUSY_MACHINE else ""
    return unknown_limit(
        f"{sentence_start(seen)}, and computes {duration(cpu.mean)} of that, so the busy threads do not show whether "
        f"more of them would serve more; {busy}measure again on an idle machine, also with more threads."
    )


def threads_limit(evidence: LimitEvidence, full: Level, seen: str) -> Limit:
    """The limit of a level whose threads are all busy, with its law X = T P / S."""
    places = full.setting.threads * full.setting.process_count
    if (service := service_under_load(full)) is None:
        raise TypeError("only a level whose calls fill its threads has their law")
    line = heaviest(line for line in evidence.lines if line.state == "waiting" and not line.on_loop)
    return Limit(
        kind="threads",
        where=limit_place(line),
        share=None,
        evidence=(
            seen,
            f"{plural(places, 'thread')} / {duration(service)} make {rate(places / service)}, and "
            f"{rate(full.throughput)} were measured",
        ),
        reason="" if more_threads_served_more(evidence) else UNTRIED_THREADS,
    )


def more_threads_served_more(evidence: LimitEvidence) -> bool:
    """Whether a setting served clearly more than one with fewer threads."""
    most: dict[int, float] = {}
    for level in evidence.levels:
        places = level.setting.threads * level.setting.process_count
        most[places] = max(most.get(places, 0.0), level.throughput)
    return any(most[more] > DOUBLES * most[fewer] for more in most for fewer in most if more > fewer)


def is_full(level: Level) -> bool:
    """Whether the calls of more users than threads keep every thread of a level busy: X S = T P."""
    places = level.setting.threads * level.setting.process_count
    service = service_under_load(level)
    if level.handler == "async def" or service is None or level.users <= places:
        return False
    return abs(level.throughput * service - places) <= NEAR * places


def waiting_limit(evidence: LimitEvidence) -> Limit | None:
    """Calls wait inside the handler under load: the line whose time per call grew most says for what."""
    alone, loaded = evidence.service_alone, service_under_load(evidence.at)
    if alone is None or loaded is None:
        return None
    slower = (
        f"a call takes {duration(loaded)} with {plural(evidence.at.users, 'user')}, {duration(alone.mean)} with one"
    )
    if evidence.grown is None:
        return unknown_limit(f"{sentence_start(slower)}, and there is no profile that shows where it waits.")
    line, share = evidence.grown
    if share < EXPLAINED:
        return unknown_limit(f"{sentence_start(slower)}, and no single line explains half of the difference.")
    kind = WAITS.get(line.kind)
    network = [each for each in evidence.lines if each.kind == "network"]
    # Calls also queue for the connections of a pool where the server behind it is what delays them.
    if line.kind == "network" or (kind == "pool" and evidence.is_slowed(network)):
        more = times_with_two_processes(evidence)
        if more is None:
            return unknown_limit(
                f"{most_of_it(slower, line)}: measure 2 processes with {plural(evidence.at.users, 'user')} to see "
                "whether the server or the process delays the answers."
            )
        if DOUBLES <= more < TWICE:
            return unknown_limit(f"{most_of_it(slower, line)}: {neither_same_nor_twice(evidence, more)}.")
        if more < DOUBLES:
            kind, line = "downstream", heaviest(network) or line
    if kind is None:
        return unknown_limit(f"{most_of_it(slower, line)}, and the figures do not show what it waits for.")
    return Limit(
        kind=kind,
        where=limit_place(line),
        share=share,
        evidence=(slower, f"{percent(share)} of the difference at {line.file}:{line.line}, in {line.waits_in}"),
    )


def most_of_it(slower: str, line: HotLine) -> str:
    """How much slower a call is, and at which line it loses most of that time."""
    place = f"{line.file}:{line.line}, in {line.waits_in or line.function}"
    return f"{sentence_start(slower)}; most of the difference is at {place}"


def neither_same_nor_twice(evidence: LimitEvidence, more: float) -> str:
    """Why throughput of two processes over that of one leaves the server and the pool of each process apart."""
    others = evidence.at.figures.other_cpu or 0.0
    busy = f" while other programs used {number(others, digits=2)} cores" if others > BUSY_MACHINE else ""
    return (
        f"2 processes serve {number(more)} times as much as one{busy}, which is neither the same, as behind a slow "
        "server, nor twice, as with a pool in each process; measure again on an idle machine"
    )


def times_with_two_processes(evidence: LimitEvidence) -> float | None:
    """Throughput of two processes over that of one, with as many users and all else equal; None where not measured."""

    def most(processes: int) -> float:
        return max(
            (
                level.throughput
                for level in evidence.levels
                if msgspec.structs.replace(level.setting, process_count=1)
                == msgspec.structs.replace(evidence.at.setting, process_count=1)
                and level.setting.process_count == processes
                and level.users >= evidence.at.users
            ),
            default=0.0,
        )

    return most(2) / most(1) if most(1) and most(2) else None
