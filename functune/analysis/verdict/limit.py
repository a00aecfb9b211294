"""
The limit of a subject: the one thing that holds its throughput, distinguished from similar causes by figures.

The rules are tried in order, and the first that fits names the limit. Each rests on something physical: there is one
event loop per worker process, one GIL per process, T threads serve T calls at a time, and a pool of a process doubles
with the processes while a server behind it does not. Where no rule fits the limit is unknown, and the reason says why:
a wrong name would be worse. The thresholds lie in the middle of gaps that were seen between handlers of known limits.

    S(1)   time of a call of a single user in its handler        R(1)  its latency
    S(N)   the same under N users: open calls / throughput, not the mean of finished calls, since unfair locks let the
           same few calls through again and again
    U      cores that one worker process uses
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Literal

import msgspec

from functune.analysis.laws.prediction import weighted_mean
from functune.analysis.numbers.figures import Times, together
from functune.analysis.numbers.hot_lines import HotLine, SubjectProfile
from functune.analysis.numbers.levels import Level
from functune.formatting import duration, number, percent, plural, rate
from functune.run.profile import LineKind

type LimitKind = Literal[
    "threads",
    "gil",
    "cores",
    "event_loop_blocked",
    "event_loop_busy",
    "lock",
    "pool",
    "downstream",
    "admission",
    "memory",
    "host",
    "generator",
    "none",
    "unknown",
]

LOOP_HELD = 0.8
"""Share of the time from which the event loop is the limit; 0.02 against 1.00 was seen."""
LOOP_COMPUTES = 0.5
"""Share of the held time on the CPU from which the loop is busy and not blocked."""
ONE_CORE = 0.85
"""Cores of a process from which its CPU time is the limit."""
OUTSIDE_GIL = 1.2
"""Cores of a process above which its handlers compute outside the GIL; 1.01 against 1.93 was seen."""
INFLATED = 1.25
"""S(N) / S(1) from which something makes calls wait inside the handler; 1.04 against 1.75 was seen."""
SCALES = 0.8
"""Share of N from which throughput still grows with the users."""
EXPLAINED = 0.5
"""Share of the growth of a call that one line must explain to be named."""
NEAR = 0.15
"""Relative difference up to which a throughput agrees with its law."""
DOUBLES = 1.3
"""Factor of throughput from one to two processes below which a limit lies outside the processes."""
CLEARLY_FASTER = 1.1
"""Factor of throughput from which a setting that needs more memory is worth more memory."""
FEW_USERS = 4
"""Users per worker process below which a limit may not show."""


class LimitPlace(msgspec.Struct, frozen=True, kw_only=True):
    """The line of the reader's code that is the reason."""

    file: str
    line: int
    function: str
    waits_in: str | None
    """The innermost library call; None where it computes."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line} in {self.function}"


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """What holds the throughput of a subject."""

    kind: LimitKind
    where: LimitPlace | None
    """None where nothing points to a line."""
    share: float | None
    """The part of the time, or of its growth under load, that it explains, 0 to 1."""
    evidence: tuple[str, ...]
    """The figures it rests on, a phrase each."""
    reason: str = ""
    """For an unknown limit: why it is unknown, and how to find it."""


class LimitEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """The figures that the rules look at."""

    at: Level
    """The level that shows the limit: the one with the most calls inside one process."""
    levels: Sequence[Level]
    """All closed-loop levels of the subject that worked."""
    cores: float | None
    """Usable cores of the machine; None when unknown."""
    profile: SubjectProfile | None = None
    """The lines of the reader's code; None without a profile."""
    too_large: Level | None = None
    """The fastest level that the memory of the instance excludes."""
    memory_mb: int | None = None
    """The memory asked for; None where none was."""

    @property
    def alone(self) -> list[Level]:
        """The single-user levels. A lone user meets no queue, so they count for any setting."""
        return [level for level in self.levels if level.users == 1]

    @property
    def service_alone(self) -> Times | None:
        """S(1)."""
        return together(level.figures.service for level in self.alone)

    @property
    def latency_alone(self) -> float | None:
        """R(1), seconds."""
        return weighted_mean(self.alone)

    @property
    def is_async(self) -> bool:
        """Whether the handler runs on the event loop."""
        return self.at.handler == "async def"

    @property
    def processes(self) -> int:
        """Worker processes at the level."""
        return self.at.setting.process_count


def service_under_load(level: Level) -> float | None:
    """S(N) in seconds, by Little's law at the handlers; the mean of finished calls where open calls are not counted."""
    if level.figures.open_calls is not None and level.throughput:
        return level.figures.open_calls / level.throughput
    return level.figures.service.mean if level.figures.service is not None else None


def handler_cores(level: Level) -> float | None:
    """Cores used by the handlers of a level: throughput times CPU time per call."""
    return None if level.figures.cpu is None else level.figures.cpu.mean * level.throughput


def find_limit(
    levels: Iterable[Level],
    *,
    cores: float | None = None,
    profile: SubjectProfile | None = None,
    memory_mb: int | None = None,
) -> Limit:
    """
    The limit of a subject from its closed-loop levels that count, by the first rule that fits.

    ``cores`` is the machine's, None when unknown; ``memory_mb`` that of an instance, None where none was asked for.
    """
    worked = [level for level in levels if level.figures.worked]
    if not worked:
        return unknown_limit("No step worked.")
    excluded = [level for level in worked if not fits_memory(level, memory_mb)]
    evidence = LimitEvidence(
        at=max(worked, key=crowd),
        levels=worked,
        cores=cores,
        profile=profile,
        too_large=max(excluded, key=lambda level: level.throughput, default=None),
        memory_mb=memory_mb,
    )
    rules: tuple[Callable[[LimitEvidence], Limit | None], ...] = (
        too_little_known,
        memory_limit,
        admission_limit,
        loop_limit,
        host_limit,
        cpu_limit,
        open_limit,
        waiting_limit,
    )
    found = (rule(evidence) for rule in rules)
    return next((limit for limit in found if limit is not None), unknown_limit("No rule fits its figures."))


def fits_memory(level: Level, memory_mb: int | None) -> bool:
    """Whether the worker processes of a level fit the memory of an instance; True where either is not known."""
    peak = level.figures.worker_peak_mb
    return memory_mb is None or peak is None or peak <= memory_mb


def crowd(level: Level) -> tuple[float, int]:
    """Sort key: the calls that can be inside one worker process at a time, then the users."""
    if level.handler == "async def":  # it needs no thread
        return level.users / level.setting.process_count, level.users
    return level.setting.calls_inside(level.users), level.users


def unknown_limit(reason: str) -> Limit:
    """An unknown limit, with the reason."""
    return Limit(kind="unknown", where=None, share=None, evidence=(), reason=reason)


def too_little_known(evidence: LimitEvidence) -> Limit | None:
    """Times and a single-user level are needed, and enough users to fill what may be the limit."""
    if service_under_load(evidence.at) is None:
        return unknown_limit(
            "The host does not report the times of calls: measure on the local host, with --host local."
        )
    if evidence.service_alone is None:
        return unknown_limit("No step of one user was measured, which shows how long a call takes alone: add one.")
    if evidence.at.users < FEW_USERS * evidence.processes:
        is_are = "is" if evidence.at.users == 1 else "are"
        return unknown_limit(
            f"{plural(evidence.at.users, 'user')} {is_are} too few to show it: measure at least "
            f"{plural(FEW_USERS * evidence.processes, 'user')} with {evidence.at.setting.in_words}."
        )
    return None


def memory_limit(evidence: LimitEvidence) -> Limit | None:
    """A setting that is clearly faster than every other, and whose memory does not fit the instance."""
    faster, memory = evidence.too_large, evidence.memory_mb
    fitting = [level for level in evidence.levels if fits_memory(level, memory)]
    if faster is None or memory is None or not fitting:
        return None
    best = max(fitting, key=lambda level: level.throughput)
    if faster.throughput < CLEARLY_FASTER * best.throughput:
        return None
    return Limit(
        kind="memory",
        where=None,
        share=None,
        evidence=(
            f"{faster.setting.in_words} serves {rate(faster.throughput)} and uses "
            f"{number(faster.figures.worker_peak_mb or 0.0)} MB, where an instance has {memory} MB",
            f"{best.setting.in_words} serves {rate(best.throughput)}",
        ),
    )


def admission_limit(evidence: LimitEvidence) -> Limit | None:
    """Calls wait outside: as many are inside as the instance admits."""
    admitted, service = evidence.at.setting.per_instance_concurrency, service_under_load(evidence.at)
    if admitted is None or service is None or admitted >= evidence.at.users:
        return None
    inside = evidence.at.throughput * service
    if abs(inside - admitted) > NEAR * admitted:
        return None
    return Limit(
        kind="admission",
        where=None,
        share=None,
        evidence=(f"{number(inside)} calls are inside at a time, where {admitted} are admitted",),
    )


def loop_limit(evidence: LimitEvidence) -> Limit | None:
    """The event loop is held most of the time: by computing, or by a wait that is not awaited."""
    loop = evidence.at.figures.loop
    if not evidence.is_async or loop is None:
        return None
    held = loop.mean * evidence.at.throughput / evidence.processes
    if held < LOOP_HELD:
        return None
    cpu = evidence.at.figures.cpu
    computing = cpu.mean / loop.mean if cpu is not None and loop.mean else 0.0
    hold = evidence.at.figures.hold
    longest = f", {duration(hold.mean)} at a stretch" if hold is not None else ""
    line = heaviest(line for line in lines_of(evidence) if line.on_loop)
    return Limit(
        kind="event_loop_busy" if computing >= LOOP_COMPUTES else "event_loop_blocked",
        where=limit_place(line),
        share=min(held, 1.0),
        evidence=(
            f"its handlers hold the event loop {percent(min(held, 1.0))} of the time{longest}",
            f"{percent(computing)} of that on the CPU",
        ),
    )


def host_limit(evidence: LimitEvidence) -> Limit | None:
    """The handler is the smaller part of a call, and the rest of it keeps a worker, the front or the machine busy."""
    service, latency = evidence.service_alone, evidence.latency_alone
    figures, used = evidence.at.figures, handler_cores(evidence.at)
    if service is None or latency is None or used is None or figures.worker_cores is None:
        return None
    if service.mean >= latency / 2 or used >= figures.worker_cores / 2:
        return None
    worker = figures.worker_cores / evidence.processes
    front = figures.front_cores or 0.0
    others = (figures.other_cpu or 0.0) + figures.generator_cpu
    no_core_idle = evidence.cores is not None and figures.worker_cores + front + others >= ONE_CORE * evidence.cores
    if worker < ONE_CORE and front < ONE_CORE and not no_core_idle:
        return None
    return Limit(
        kind="host",
        where=None,
        share=1 - service.mean / latency,
        evidence=(
            f"the handler takes {duration(service.mean)} of the {duration(latency)} of a request",
            f"its handlers use {number(used, digits=2)} of the {number(figures.worker_cores, digits=2)} cores of the "
            f"workers, the front {number(front, digits=2)}",
        ),
    )


def cpu_limit(evidence: LimitEvidence) -> Limit | None:
    """A ``def`` handler that computes: under the GIL one core per process, outside of it more."""
    if evidence.is_async:
        return None
    shown = cpu_level(evidence)
    level = shown or evidence.at
    cpu, used, workers = level.figures.cpu, handler_cores(level), level.figures.worker_cores
    if cpu is None or used is None or workers is None:
        return None
    each = workers / level.setting.process_count
    # BLAS and other libraries compute in threads of their own, which no call's CPU time contains.
    if each < ONE_CORE or used < min(each, 1.0) / 2:
        return None
    if (waited := grown_line(evidence)) is not None and waited[0].kind in ("lock", "pool") and waited[1] >= EXPLAINED:
        return waiting_limit(evidence)
    line = heaviest(line for line in lines_of(evidence) if line.kind == "cpu")
    seen = (
        f"one process uses {number(each, digits=3)} cores with {plural(level.users, 'user')} and "
        f"{level.setting.in_words}",
        f"its handlers compute {duration(cpu.mean)} per call",
    )
    if evidence.cores is not None and evidence.cores < 2:
        return unknown_limit(f"{sentence_start(seen[0])}; on one core the GIL and the core cannot be distinguished.")
    if shown is None:
        return unknown_limit(
            f"{sentence_start(seen[0])}; one process with two threads or more, and as many users, would show whether "
            "it computes under the GIL."
        )
    return Limit(
        kind="cores" if each > OUTSIDE_GIL else "gil",
        where=limit_place(line),
        share=min(used / workers, 1.0),
        evidence=seen,
    )


def cpu_level(evidence: LimitEvidence) -> Level | None:
    """
    The level that shows whether the GIL holds: one process, two threads and users or more, the most cores used.

    With several processes the machine's cores may be the limit of each. None where no such level was measured.
    """
    single = [
        level
        for level in evidence.levels
        if level.setting.process_count == 1
        and level.setting.threads > 1
        and level.users > 1
        and level.figures.worker_cores is not None
    ]
    return max(single, key=lambda level: level.figures.worker_cores or 0.0, default=None)


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
        places = full.setting.threads * full.setting.process_count
        service = service_under_load(full) or loaded
        line = heaviest(line for line in lines_of(evidence) if line.state == "waiting" and not line.on_loop)
        return Limit(
            kind="threads",
            where=limit_place(line),
            share=None,
            evidence=(
                seen,
                f"{plural(places, 'thread')} / {duration(service)} are {rate(places / service)}, "
                f"{rate(full.throughput)} were measured",
            ),
        )
    latency = evidence.latency_alone or alone.mean
    if evidence.at.throughput < SCALES * evidence.at.users / latency:
        return None
    growth = f"{plural(evidence.at.users, 'user')} get {number(evidence.at.throughput * latency)} times what one gets"
    return Limit(kind="none", where=None, share=None, evidence=(seen, growth))


def is_full(level: Level) -> bool:
    """Whether the calls of more users than threads keep every thread of a level busy: X S = T P."""
    places = level.setting.threads * level.setting.process_count
    service = service_under_load(level)
    if level.handler == "async def" or service is None or level.users <= places:
        return False
    return abs(level.throughput * service - places) <= NEAR * places


WAITS: dict[LineKind, LimitKind] = {"lock": "lock", "file lock": "lock", "pool": "pool", "executor": "pool"}
"""The limit that a wait points to, by what the line waits in; a network wait needs a second look."""


def waiting_limit(evidence: LimitEvidence) -> Limit | None:
    """Calls wait inside the handler under load: the line whose time per call grew most says for what."""
    alone, loaded = evidence.service_alone, service_under_load(evidence.at)
    if alone is None or loaded is None:
        return None
    slower = (
        f"a call takes {duration(loaded)} with {plural(evidence.at.users, 'user')}, {duration(alone.mean)} with one"
    )
    grown = grown_line(evidence)
    if grown is None:
        return unknown_limit(f"{sentence_start(slower)}, and there is no profile that shows where it waits.")
    line, share = grown
    if share < EXPLAINED:
        return unknown_limit(f"{sentence_start(slower)}, and no single line explains half of that.")
    kind = WAITS.get(line.kind)
    if line.kind == "network":
        kind = "downstream" if not doubles_with_processes(evidence) else None
    if kind is None:
        return unknown_limit(
            f"{sentence_start(slower)}, most of it at {line.file}:{line.line} in {line.waits_in or 'the handler'}; "
            "its figures do not show for what."
        )
    return Limit(
        kind=kind,
        where=limit_place(line),
        share=share,
        evidence=(slower, f"{percent(share)} of the difference at {line.file}:{line.line}, in {line.waits_in}"),
    )


def doubles_with_processes(evidence: LimitEvidence) -> bool:
    """Whether two processes serve clearly more than one, everything else being equal; False where not measured."""

    def most(processes: int) -> float:
        return max(
            (
                level.throughput
                for level in evidence.levels
                if msgspec.structs.replace(level.setting, process_count=1)
                == msgspec.structs.replace(evidence.at.setting, process_count=1)
                and level.setting.process_count == processes
            ),
            default=0.0,
        )

    return most(1) > 0 and most(2) >= DOUBLES * most(1)


def lines_of(evidence: LimitEvidence) -> Sequence[HotLine]:
    """The profiled lines; none without a profile."""
    return () if evidence.profile is None else evidence.profile.lines


def grown_line(evidence: LimitEvidence) -> tuple[HotLine, float] | None:
    """
    The line whose time per call grew most from one user to many, and its share of the growth of a call.

    None without a profile of both, or where nothing grew.
    """
    grown = [(line.growth, line) for line in lines_of(evidence) if line.growth is not None and line.growth > 0]
    if not grown:
        return None
    seconds, line = max(grown, key=lambda pair: pair[0])
    return line, seconds / sum(growth for growth, _ in grown)


def heaviest(lines: Iterable[HotLine]) -> HotLine | None:
    """The line with the most time under load; None without lines."""
    return max(lines, key=lambda line: line.seconds_loaded, default=None)


def limit_place(line: HotLine | None) -> LimitPlace | None:
    """A line as a place."""
    if line is None:
        return None
    return LimitPlace(file=line.file, line=line.line, function=line.function, waits_in=line.waits_in)


def sentence_start(text: str) -> str:
    """A phrase with its first letter as a capital; the rest keeps its case."""
    return text[:1].upper() + text[1:]
