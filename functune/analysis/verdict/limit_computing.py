"""The rules for handlers that compute or hold the event loop: one loop per process, one GIL per process, some cores."""

from functune.analysis.laws.bounds import SEVERAL_CORES
from functune.analysis.numbers.levels import Level
from functune.analysis.verdict.limit import Limit, LimitKind, limit_place, sentence_start, unknown_limit
from functune.analysis.verdict.limit_around import MOSTLY, ONE_CORE
from functune.analysis.verdict.limit_evidence import (
    INFLATED,
    LimitEvidence,
    cores_idle,
    cores_wanted,
    crowd,
    handler_cores,
    heaviest,
    service_under_load,
)
from functune.analysis.verdict.limit_waiting import WAITS, waiting_limit
from functune.formatting import duration, joined, number, percent, plural

LOOP_HELD = 0.8
"""Share of the time from which the event loop is the limit; 0.02 against 1.00 was seen."""
FEW_THREADS, MANY_THREADS = 5, 10
"""Threads of one process with a call from which their number is compared with those that want a core."""
WANT_THE_GIL = {FEW_THREADS: 0.6, MANY_THREADS: 0.45}
WANT_A_CORE = {FEW_THREADS: 0.85, MANY_THREADS: 0.65}
"""
Threads that want a core at a time, as a share of those that have a call: below the first under the GIL, from the second
outside of it.

Outside of the GIL nearly all want one: 0.71 and more was seen of many threads, 1.05 of few, also while other programs
used both cores. Under it one does, and some that look for the GIL: up to 0.32 of many threads, 0.55 of few.
"""
FREE_CORE = 0.5
"""Cores that nothing used from which a process could have used more."""


def loop_limit(evidence: LimitEvidence) -> Limit | None:
    """The event loop is held most of the time: by computing, or by a wait that is not awaited."""
    held, computing = loop_held(evidence)
    computes = computing >= MOSTLY
    wanted = cores_wanted(evidence.at) or 0.0
    is_full = computes and wanted >= ONE_CORE and held >= MOSTLY * min(wanted, 1.0)
    if held < LOOP_HELD and not is_full:
        return None
    seen = (
        f"its handlers hold the event loop {percent(min(held, 1.0))} of the time{longest_hold(evidence.at)}",
        f"they compute {percent(computing)} of that time",
    )
    if computes and not fills_a_core(evidence, evidence.at):
        others = number(evidence.at.figures.other_cpu or 0.0, digits=2)
        return unknown_limit(
            f"{sentence_start(joined(seen))}, but other programs used {others} cores, which lengthens that: measure "
            "again on an idle machine."
        )
    on_loop = [line for line in evidence.lines if line.on_loop]
    line = heaviest(on_loop)
    # Without the threads that wait for a core, other programs make a loop that computes look like one that waits.
    if evidence.at.figures.worker_core_wait is None and line is not None and (line.state == "running") != computes:
        return unknown_limit(f"{sentence_start(joined(seen))}, yet it is {line.state} at {line.file}:{line.line}.")
    return Limit(
        kind="event_loop_busy" if computes else "event_loop_blocked",
        where=limit_place(heaviest(line for line in on_loop if (line.state == "running") == computes)),
        share=min(held, 1.0),
        evidence=seen,
    )


def loop_held(evidence: LimitEvidence) -> tuple[float, float]:
    """The share of the time that coroutines hold the event loop, and the share of that in which they compute."""
    figures, loop = evidence.at.figures, evidence.at.figures.loop
    if not evidence.is_async or loop is None or not loop.mean:
        return 0.0, 0.0
    held = loop.mean * evidence.at.throughput / evidence.processes
    # The time that the loop waits for a core is time in which it computes: other programs lengthen it.
    used = (handler_cores(evidence.at) or 0.0) + (figures.worker_core_wait or 0.0)
    return held, min(used / evidence.processes / held, 1.0)


def longest_hold(level: Level) -> str:
    """The longest time that a call holds the loop without a break, as a phrase; empty where it is not known."""
    return "" if level.figures.hold is None else f" in stretches of {duration(level.figures.hold.mean)}"


def cpu_limit(evidence: LimitEvidence) -> Limit | None:
    """A ``def`` handler that computes: under the GIL one core per process, outside of it more."""
    if evidence.is_async:
        return None
    shown = cpu_level(evidence)
    level = shown or evidence.at
    cpu, used, workers = level.figures.cpu, handler_cores(level), level.figures.worker_cores
    if cpu is None or used is None or workers is None or not queues_to_compute(evidence, level):
        return None
    each = workers / level.setting.process_count
    # BLAS and other libraries compute in threads of their own, which no call's CPU time contains.
    if used < MOSTLY * min(each, 1.0):
        return None
    working = [line for line in evidence.lines if line.kind == "cpu"]
    # Calls also queue for places whose holders wait for the GIL or a core: the places are the limit if these do not.
    if (waited := evidence.grown) is not None and waited[0].kind in WAITS and not evidence.is_slowed(working):
        return waiting_limit(evidence)
    missed = (level.figures.worker_core_wait or 0.0) / level.setting.process_count
    seen = (
        f"one process uses {number(each, digits=3)} cores"
        + (f", and {number(missed, digits=2)} threads wait for one," if missed >= 1 - ONE_CORE else "")
        + f" with {plural(level.users, 'user')} and {level.setting.in_words}"
    )
    kind = None if shown is None else gil_or_cores(shown, threads_with_a_call(shown), evidence.cores)
    if kind is None:
        return unknown_limit(f"{sentence_start(seen)}; {undecided(shown, evidence.cores)}")
    return Limit(
        kind=kind,
        where=limit_place(heaviest(working)),
        share=min(used / workers, 1.0),
        evidence=(seen, f"its handlers compute {duration(cpu.mean)} per call"),
    )


def offloaded_limit(evidence: LimitEvidence) -> Limit | None:
    """An ``async def`` handler whose work computes in threads, of an executor or of anyio: the profile shows them."""
    profile, grown, level = evidence.profile, evidence.grown, evidence.at
    if not evidence.is_async or profile is None or grown is None or grown[0].kind != "cpu" or grown[0].on_loop:
        return None
    if evidence.processes > 1 or (cores_wanted(level) or 0.0) < ONE_CORE:
        return None
    working = [line for line in evidence.lines if line.kind == "cpu" and not line.on_loop]
    threads = sum(line.share_loaded for line in working) * profile.users
    kind = gil_or_cores(level, threads, evidence.cores)
    seen = (
        f"one process uses {number(level.figures.worker_cores or 0.0, digits=3)} cores with "
        f"{plural(level.users, 'user')}, and {number(threads, digits=2)} threads compute or want to"
    )
    if kind is None:
        return unknown_limit(f"{sentence_start(seen)}; {undecided(level, evidence.cores)}")
    return Limit(
        kind=kind,
        where=limit_place(heaviest(working)),
        share=min(sum(line.share_loaded for line in working), 1.0),
        evidence=(seen,),
    )


def queues_to_compute(evidence: LimitEvidence, level: Level) -> bool:
    """Whether a process wants a whole core, and its calls take longer for that: in their handlers, or before them."""
    alone, loaded, wait = evidence.service_alone, service_under_load(level), level.figures.wait
    if (cores_wanted(level) or 0.0) < ONE_CORE or alone is None or loaded is None:
        return False
    if (level.figures.worker_cores or 0.0) / level.setting.process_count >= ONE_CORE:
        return True
    if not fills_a_core(evidence, level):
        return False
    inside = level.throughput * loaded / level.setting.process_count
    # Short calls end before another thread gets the GIL, so they take no longer: they wait for it to begin.
    waits_to_begin = wait is not None and wait.mean >= loaded and inside < MOSTLY * level.setting.threads
    return loaded >= INFLATED * alone.mean or waits_to_begin


def fills_a_core(evidence: LimitEvidence, level: Level) -> bool:
    """
    Whether the calls of a level would keep a whole core busy if a process had it for itself.

    On a busy machine a process also wants a core all the time that needs little CPU time, since it seldom gets one.
    """
    alone, cpu = evidence.service_alone, level.figures.cpu
    calls = crowd(level)[0]
    return alone is not None and cpu is not None and calls * cpu.mean >= ONE_CORE * alone.mean


def threads_with_a_call(level: Level) -> float:
    """
    The threads of one process that have a call at a time, or wait for the GIL to begin it, by Little's law.

    A web server does not tell how long a call waits to begin. Its threads have as many as are in flight, up to their
    number.
    """
    wait, service = level.figures.wait, service_under_load(level)
    inside = (wait.mean if wait else 0.0) + (service or 0.0)
    calls = level.throughput * (inside if level.setting.is_on_functions else level.figures.mean or inside)
    return min(calls / level.setting.process_count, level.setting.threads)


def gil_or_cores(level: Level, threads: float, cores: float | None) -> LimitKind | None:
    """
    Whether one process, in which some threads have a call, computes under the GIL.

    None where its figures do not show it.
    """
    figures = level.figures
    if (figures.worker_cores or 0.0) > SEVERAL_CORES:
        return "cores"
    if figures.worker_core_wait is not None and threads >= FEW_THREADS:
        wanting = (cores_wanted(level) or 0.0) / threads
        count = MANY_THREADS if threads >= MANY_THREADS else FEW_THREADS
        if wanting >= WANT_A_CORE[count] or wanting < WANT_THE_GIL[count]:
            return "cores" if wanting >= WANT_A_CORE[count] else "gil"
    idle = cores_idle(level, cores)
    return "gil" if idle is not None and idle >= FREE_CORE else None


def undecided(level: Level | None, cores: float | None) -> str:
    """What would show whether a process computes under the GIL."""
    if level is None:
        return "one process with two threads or more, and as many users, would show whether it computes under the GIL."
    if cores is not None and cores < 2:
        return "on one core the GIL and the core cannot be distinguished."
    others = number(level.figures.other_cpu or 0.0, digits=2)
    more = f", or with {MANY_THREADS} threads in 1 process and more users than that"
    return (
        f"other programs used {others} cores, so the figures do not show whether it could use more than one: measure "
        f"again on an idle machine{more if level.setting.threads < MANY_THREADS else ''}."
    )


def cpu_level(evidence: LimitEvidence) -> Level | None:
    """
    The level that shows whether the GIL holds: one process, two threads and users or more, the most cores wanted.

    With several processes the machine's cores may be the limit of each. None where no such level was measured.
    """
    single = [
        level
        for level in evidence.levels
        if level.setting.process_count == 1 and level.setting.threads > 1 and level.users > 1
    ]
    return max(single, key=lambda level: cores_wanted(level) or 0.0, default=None)
