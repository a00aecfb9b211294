"""
The figures and the lines from which the limit of a subject is found.

    S(1)   time of a call of a single user in its handler        R(1)  its latency
    S(N)   the same under N users: open calls / throughput, not the mean of finished calls, since unfair locks let the
           same few calls through again and again
    U      cores that one worker process uses; with the threads that wait for a core, the cores it wants
"""

from collections.abc import Iterable, Sequence

import msgspec

from functune.analysis.laws.prediction import weighted_mean
from functune.analysis.numbers.figures import Times, together
from functune.analysis.numbers.hot_lines import HotLine, SubjectProfile
from functune.analysis.numbers.levels import Level
from functune.analysis.numbers.memory import settings_too_large

INFLATED = 1.25
"""Time under load over time alone from which something makes calls wait; 1.04 against 1.75 was seen."""
PART = 0.1
"""Share of the growth of a call below which the growth of some lines does not matter."""


class LimitEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """The figures that the rules look at."""

    at: Level
    """The level that shows the limit: the one with the most calls inside one process."""
    levels: Sequence[Level]
    """All closed-loop levels of the subject that worked."""
    void: Sequence[Level] = ()
    """Those that worked and do not count, because the load generator determined them."""
    failed: Sequence[Level] = ()
    """Those with failed answers, whether they count or not: quick failures also keep a load generator busy."""
    cores: float | None = None
    """Usable cores of the machine; None when unknown."""
    profile: SubjectProfile | None = None
    """The lines of the reader's code; None without a profile."""
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

    @property
    def lines(self) -> Sequence[HotLine]:
        """The profiled lines; none without a profile."""
        return () if self.profile is None else self.profile.lines

    @property
    def grown(self) -> tuple[HotLine, float] | None:
        """
        The line whose time per call grew most from one user to many, and its share of the growth of a call.

        Calls queue for a thread of an executor also where its threads are held up, so another line that is slowed comes
        first. None without a profile of both, or where nothing grew.
        """
        grown = [line for line in self.lines if growth_of([line]) > 0]
        inside = [line for line in grown if not queues_for_thread(line)]
        if not grown:
            return None
        line = max(inside if self.is_slowed(inside) else grown, key=lambda line: growth_of([line]))
        explained = [line, *(each for each in grown if queues_for_thread(each) and each != line)]
        return line, growth_of(explained) / growth_of(grown)

    def is_slowed(self, lines: Sequence[HotLine]) -> bool:
        """Whether calls take longer at some lines under load, by a part of their growth that matters."""
        alone, loaded = (sum(each) for each in zip(*map(seconds_of, lines), strict=True)) if lines else (0.0, 0.0)
        every = growth_of([line for line in self.lines if growth_of([line]) > 0])
        return loaded >= INFLATED * alone and loaded - alone >= PART * every > 0


def evidence_of(
    levels: Iterable[Level], *, cores: float | None, profile: SubjectProfile | None, memory_mb: int | None
) -> LimitEvidence | None:
    """The evidence in all closed-loop levels of a subject; None where no step worked."""
    every = list(levels)
    worked = [level for level in every if level.figures.worked]
    levels = [level for level in worked if level.counts]
    if not levels:
        return None
    return LimitEvidence(
        at=max(levels, key=crowd),
        levels=levels,
        void=[level for level in worked if not level.counts],
        failed=[level for level in every if not level.figures.worked],
        cores=cores,
        profile=profile,
        memory_mb=memory_mb,
    )


def crowd(level: Level) -> tuple[float, int]:
    """Sort key: the calls that can be inside one worker process at a time, then the users."""
    if level.handler == "async def":  # it needs no thread
        return level.users / level.setting.process_count, level.users
    return level.setting.calls_inside(level.users), level.users


def service_under_load(level: Level) -> float | None:
    """S(N) in seconds, by Little's law at the handlers; the mean of finished calls where open calls are not counted."""
    if level.figures.open_calls is not None and level.throughput:
        return level.figures.open_calls / level.throughput
    return level.figures.service.mean if level.figures.service is not None else None


def calls_outside(level: Level) -> float | None:
    """
    Requests that no worker has yet, or no longer, by Little's law: those in flight less those of the workers.

    None for a web server: its requests wait in a queue of its own, which is in no time that it reports.
    """
    service, wait = service_under_load(level), level.figures.wait
    if service is None or wait is None or not level.setting.is_on_functions:
        return None
    return level.users - level.throughput * (wait.mean + service)


def handler_cores(level: Level) -> float | None:
    """Cores used by the handlers of a level: throughput times CPU time per call."""
    return None if level.figures.cpu is None else level.figures.cpu.mean * level.throughput


def cores_wanted(level: Level) -> float | None:
    """
    Cores that one worker process uses or waits for, so that other programs on the cores do not hide what it needs.

    Only the cores used where the system does not count the threads that wait for one.
    """
    figures = level.figures
    if figures.worker_cores is None:
        return None
    return (figures.worker_cores + (figures.worker_core_wait or 0.0)) / level.setting.process_count


def cores_idle(level: Level, cores: float | None) -> float | None:
    """Cores that the host could have used and did not; None where the machine or the use is not known."""
    figures = level.figures
    if cores is None or figures.host_cpu is None or figures.other_cpu is None:
        return None
    idle = cores - figures.host_cpu - figures.generator_cpu - figures.other_cpu
    return idle if level.setting.instance is None else min(idle, level.setting.instance.cores - figures.host_cpu)


def seconds_of(line: HotLine) -> tuple[float, float]:
    """The seconds per call at a line, alone and under load; the same where the time alone is not known."""
    return line.seconds_loaded - (line.growth or 0.0), line.seconds_loaded


def growth_of(lines: Iterable[HotLine]) -> float:
    """The seconds per call that the load adds at some lines."""
    return sum(line.growth or 0.0 for line in lines)


def queues_for_thread(line: HotLine) -> bool:
    """Whether calls wait at a line for a thread of an executor or of anyio."""
    return line.kind == "executor" or line.waits_in == "anyio CapacityLimiter"


def heaviest(lines: Iterable[HotLine]) -> HotLine | None:
    """The line with the most time under load; None without lines."""
    return max(lines, key=lambda line: line.seconds_loaded, default=None)


def too_large(evidence: LimitEvidence) -> list[Level]:
    """The levels of the settings that the memory of an instance excludes."""
    excluded = settings_too_large(evidence.levels, evidence.memory_mb)
    return [level for level in evidence.levels if level.setting in excluded]
