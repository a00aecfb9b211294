"""The rules for what limits a subject around its handler: memory, load generator, places that are admitted, host."""

from collections.abc import Sequence

from functune.analysis.numbers.levels import Level
from functune.analysis.verdict.limit import Limit, limit_place, sentence_start, unknown_limit
from functune.analysis.verdict.limit_evidence import (
    LimitEvidence,
    calls_outside,
    cores_idle,
    cores_wanted,
    crowd,
    handler_cores,
    heaviest,
    service_under_load,
    too_large,
)
from functune.formatting import duration, joined, number, percent, plural, rate
from functune.run.measurement import causes_in_words
from functune.shapes import cores_in_words

ONE_CORE = 0.85
"""Cores of a process from which its CPU time is the limit."""
NEAR = 0.15
"""Relative difference up to which a figure agrees with its law."""
CLEARLY_FASTER = 1.1
"""Factor of throughput from which a setting that needs more memory is worth more memory."""
FEW_USERS = 4
"""Users per worker process below which a limit may not show."""
THROTTLED = 0.5
"""Share of the periods of a quota from which the quota is the limit: above it, the host waits for it mostly."""
MOSTLY = 0.5
"""Share from which the larger part of the calls, or of a time, is in one place."""


def too_little_known(evidence: LimitEvidence) -> Limit | None:
    """Times and a single-user level are needed, and enough users to fill what may be the limit."""
    if service_under_load(evidence.at) is None:
        return unknown_limit(
            "The host does not report the times of calls: measure on the local host, with --host local."
        )
    if evidence.service_alone is None:
        return unknown_limit("No step of one user was measured: add one, which shows how long a call takes alone.")
    least = FEW_USERS * evidence.processes
    if evidence.at.users >= least:
        return None
    if evidence.failed:
        return failed_answers_limit(evidence.failed[-1])
    is_are = "is" if evidence.at.users == 1 else "are"
    return unknown_limit(
        f"{plural(evidence.at.users, 'user')} {is_are} too few to show it: measure at least "
        f"{plural(least, 'user')} with {evidence.at.setting.in_words}."
    )


def failed_answers_limit(failed: Level) -> Limit:
    """Failed answers say nothing about a setting: the app has to be fixed first."""
    found = causes_in_words(failed.figures.errors, failed.figures.worker_ends)
    return unknown_limit(
        f"Answers failed at {plural(failed.users, 'user')} ({found}): fix that first, then measure again."
    )


def memory_limit(evidence: LimitEvidence) -> Limit | None:
    """A setting that is clearly faster than every other, or every setting, does not fit the memory of an instance."""
    large = too_large(evidence)
    if not large:
        return None
    faster = max(large, key=lambda level: level.throughput)
    peak = max(level.figures.worker_peak_mb or 0.0 for level in large if level.setting == faster.setting)
    needs = (
        f"with {faster.setting.in_words} the app serves {rate(faster.throughput)} and its workers use {number(peak)} "
        f"MB, where an instance has {evidence.memory_mb} MB"
    )
    excluded = {level.setting for level in large}
    fitting = [level for level in evidence.levels if level.setting not in excluded]
    if not fitting:
        return Limit(
            kind="memory",
            where=None,
            share=None,
            evidence=(needs, "no measured setting uses less than an instance has"),
        )
    best = max(fitting, key=lambda level: level.throughput)
    if faster.throughput < CLEARLY_FASTER * best.throughput:
        return unclear_gain(faster, needs) if lacks_cores(faster) else None
    return Limit(
        kind="memory",
        where=None,
        share=None,
        evidence=(needs, f"the fastest setting that fits serves {rate(best.throughput)}"),
    )


def lacks_cores(level: Level) -> bool:
    """Whether the processes of a level wanted a core each that other programs used."""
    used = (level.figures.worker_cores or 0.0) / level.setting.process_count
    return used < ONE_CORE <= (cores_wanted(level) or 0.0)


def unclear_gain(level: Level, needs: str) -> Limit:
    """On a busy machine a setting that needs more memory may serve as little as the others, and more on an idle one."""
    return unknown_limit(
        f"{sentence_start(needs)}. Settings that fit serve as much, but other programs used "
        f"{number(level.figures.other_cpu or 0.0, digits=2)} cores, so the figures do not show whether more memory "
        "would help: measure again on an idle machine."
    )


def generator_limit(evidence: LimitEvidence) -> Limit | None:
    """
    With more users the load generator used its whole core, while front and workers did not.

    Or it woke up so late that its own delay is the larger part of the latency: the machine has no time for it.
    """
    at = evidence.at
    beyond = max((level for level in evidence.void if crowd(level) > crowd(at)), key=crowd, default=None)
    if beyond is not None and beyond.throughput >= CLEARLY_FASTER * at.throughput and not is_busy(beyond):
        return Limit(kind="generator", where=None, share=None, evidence=(generator_in_words(beyond),))
    lag, latency = at.figures.generator_lag_p99, at.figures.mean
    if lag is None or latency is None or lag < MOSTLY * latency or is_busy(at):
        return None
    return Limit(
        kind="generator",
        where=None,
        share=None,
        evidence=(f"it sends requests up to {duration(lag)} late, where an answer takes {duration(latency)}",),
    )


def is_filled(level: Level) -> bool:
    """Whether at least half of the calls that can be in the handler at a time are in it."""
    service, (inside, _) = service_under_load(level), crowd(level)
    return service is not None and level.throughput * service >= MOSTLY * inside * level.setting.process_count


def is_busy(level: Level) -> bool:
    """Whether the front or the worker processes of a level want a whole core each."""
    return max(cores_wanted(level) or 0.0, level.figures.front_cores or 0.0) >= ONE_CORE


def generator_in_words(level: Level) -> str:
    """How busy the load generator was, and the workers meanwhile."""
    figures = level.figures
    workers = "" if figures.worker_cores is None else f", the workers {number(figures.worker_cores, digits=2)} cores"
    who = "it" if figures.load_processes == 1 else f"the busiest of its {figures.load_processes} processes"
    used = number(figures.busiest_generator or 0.0, digits=2)
    return (
        f"at {plural(level.users, 'user')} {who} used {used} of the one core it can use{workers}, so this load needs "
        f"at least {plural(figures.more_load_processes, 'more load process')}"
    )


def admission_limit(evidence: LimitEvidence) -> Limit | None:
    """As many calls are inside as the instance admits, or most calls wait in front of workers with nothing to do."""
    at, service = evidence.at, service_under_load(evidence.at)
    if service is None:
        return None
    inside, admitted = at.throughput * service, at.setting.per_instance_concurrency
    if admitted is not None and admitted < at.users:
        if abs(inside - admitted) > NEAR * admitted:
            return None
        return Limit(
            kind="admission",
            where=None,
            share=None,
            evidence=(f"{number(inside)} calls are inside at a time, where {admitted} are admitted",),
        )
    outside, alone, latency = calls_outside(at), evidence.service_alone, evidence.latency_alone
    # A web server reads a request in the thread that will run it, so calls outside wait for a thread or a core.
    if outside is None or alone is None or latency is None or not at.setting.is_on_functions:
        return None
    # A short handler has most of its calls outside without any limit, and so has one on a host with no core to spare.
    if outside < MOSTLY * at.users or alone.mean < MOSTLY * latency or is_busy(at):
        return None
    return Limit(
        kind="admission",
        where=None,
        share=None,
        evidence=(
            f"{number(inside)} of {plural(at.users, 'call')} are in their handlers at a time, and {number(outside)} "
            "have not reached a worker yet",
        ),
    )


def instance_limit(evidence: LimitEvidence) -> Limit | None:
    """
    The host used the quota of its instance up in most of the kernel's periods, so nothing but a larger one adds to it.

    The kernel counts the periods. A host that seldom uses its quota up has cores left, whatever else holds it.
    """
    figures, shape = evidence.at.figures, evidence.at.setting.instance
    if shape is None or figures.throttled is None or figures.host_cpu is None:
        return None
    if figures.throttled < THROTTLED or figures.host_cpu < ONE_CORE * shape.cores:
        return None
    used = handler_cores(evidence.at) or 0.0
    working = heaviest(line for line in evidence.lines if line.kind == "cpu")
    return Limit(
        kind="instance",
        where=limit_place(working) if used >= MOSTLY * figures.host_cpu else None,
        share=min(figures.host_cpu / shape.cores, 1.0),
        evidence=(
            f"front and workers use {number(figures.host_cpu, digits=2)} of the {cores_in_words(shape.cores)} of the "
            f"instance with {plural(evidence.at.users, 'user')}",
            f"the kernel held them back in {percent(figures.throttled)} of the time slices of the quota",
        ),
    )


def unfit_limit(reasons: Sequence[str]) -> Limit:
    """That no setting fits the memory of its instance, with the reason for each size."""
    return Limit(kind="memory", where=None, share=None, evidence=(), reason=joined(list(dict.fromkeys(reasons))))


def host_limit(evidence: LimitEvidence) -> Limit | None:
    """
    The handler is the smaller part of a call, and the rest of it keeps a worker, the front or the machine busy.

    Other programs make the rest of a call longer, and keep the machine busy. A handler that most of its calls are in
    is a limit of its own.
    """
    service, latency = evidence.service_alone, evidence.latency_alone
    figures, used = evidence.at.figures, handler_cores(evidence.at)
    if service is None or latency is None or used is None or figures.worker_cores is None:
        return None
    if service.mean >= MOSTLY * latency or used >= MOSTLY * figures.worker_cores or is_filled(evidence.at):
        return None
    idle = cores_idle(evidence.at, evidence.cores)
    no_core_idle = idle is not None and evidence.cores is not None and idle <= (1 - ONE_CORE) * evidence.cores
    if not is_busy(evidence.at) and not no_core_idle:
        return None
    return Limit(
        kind="host",
        where=None,
        share=1 - service.mean / latency,
        evidence=(
            f"the handler takes {duration(service.mean)} of the {duration(latency)} of a request",
            f"its handlers use {number(used, digits=2)} of the {number(figures.worker_cores, digits=2)} cores of the "
            f"workers, the front {number(figures.front_cores or 0.0, digits=2)}",
        ),
    )
