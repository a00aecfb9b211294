"""The lines of a step, from the samples that the workers wrote."""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from functune.errors import HostError
from functune.run.profile import LineKind, ProfileLine
from functune.timing.frames_waits import sounds_like_waiting

BUSY_PROCESS = 0.3
"""Cores of a worker process above which its threads may have to wait for a core, so that little CPU time can be all a
thread gets."""
WAIT_BY_NAME, WORK_BY_NAME = 0.8, 0.3
"""Share of the CPU time a thread could have got above which a C function computes, by whether its name is a wait's."""


class SampledRow(msgspec.Struct, frozen=True):
    """A row of a worker's file, see ``functune.timing.sampler_tally``."""

    file: str
    line: int
    function: str
    kind: LineKind
    waits_in: str | None
    is_certain: bool
    on_loop: bool
    stack: tuple[str, ...]
    slices: dict[int, tuple[float, float, int]]


class WorkerSamples(msgspec.Struct, frozen=True):
    """A worker's file."""

    period: int
    pid: int
    slice: float
    """Seconds."""
    error: str | None
    has_thread_clocks: bool
    """Whether the rows have CPU times."""
    process: dict[int, tuple[float, float, int]]
    rows: tuple[SampledRow, ...]


class Counted(msgspec.Struct, kw_only=True):
    """Time at a row within a window."""

    row: SampledRow
    seconds: float
    cpu: float


def read_samples(folder: Path, period: int) -> list[WorkerSamples]:
    """
    The files that workers have written for a period.

    Raises HostError when a sampler failed, or when a file cannot be read.
    """
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            samples = msgspec.json.decode(path.read_bytes(), type=WorkerSamples)
        except (OSError, msgspec.DecodeError) as error:
            raise HostError(f"the samples of a worker in {path.name} cannot be read: {error}") from error
        if samples.period != period:
            continue
        if samples.error:
            raise HostError(f"the sampler of worker {samples.pid} failed:\n{samples.error.strip()}")
        found.append(samples)
    return found


def lines_between(workers: Iterable[WorkerSamples], opened: float, closed: float) -> tuple[ProfileLine, ...]:
    """The lines of a window in epoch seconds, over all worker processes, the line with the most time first."""
    counted = [each for worker in workers for each in decided(worker, opened, closed)]
    groups: dict[tuple[object, ...], list[Counted]] = defaultdict(list)
    for each in counted:
        row = each.row
        groups[row.file, row.line, row.function, row.kind, row.waits_in, row.on_loop].append(each)
    return tuple(sorted(map(profile_line, groups.values()), key=lambda line: -line.seconds))


def samples_between(workers: Iterable[WorkerSamples], opened: float, closed: float) -> int:
    """The samples of all worker processes in a window."""
    return sum(total(worker.process, worker.slice, opened, closed)[2] for worker in workers)


def decided(worker: WorkerSamples, opened: float, closed: float) -> Iterator[Counted]:
    """The rows of a worker in a window, with C functions that may wait or compute decided by their CPU time."""
    seconds, cpu, _ = total(worker.process, worker.slice, opened, closed)
    if not seconds:
        return
    found = [
        Counted(row=row, seconds=at, cpu=used)
        for row in worker.rows
        for at, used, samples in [total(row.slices, worker.slice, opened, closed)]
        if samples
    ]
    runnable = sum(each.seconds for each in found if each.row.kind == "cpu" or not each.row.is_certain) / seconds
    fair = min(1.0, cpu / seconds / max(runnable, 1.0)) if cpu > BUSY_PROCESS * seconds else 1.0
    undecided: dict[tuple[object, ...], list[Counted]] = defaultdict(list)
    for each in found:
        if each.row.is_certain:
            yield each
        else:
            undecided[each.row.file, each.row.line, each.row.waits_in].append(each)
    for group in undecided.values():
        is_work = computes(group, fair) if worker.has_thread_clocks else not sounds_like_waiting(name_of(group))
        for each in group:
            yield Counted(row=as_work(each.row), seconds=each.seconds, cpu=each.cpu) if is_work else each


def computes(group: list[Counted], fair: float) -> bool:
    """Whether a C function computes; ``fair`` is the share of a core that a thread could have got."""
    needed = WAIT_BY_NAME if sounds_like_waiting(name_of(group)) else WORK_BY_NAME
    return sum(each.cpu for each in group) >= needed * fair * sum(each.seconds for each in group)


def name_of(group: list[Counted]) -> str:
    """The C function of a group."""
    return group[0].row.waits_in or ""


def as_work(row: SampledRow) -> SampledRow:
    """The row of a C function that computes."""
    return msgspec.structs.replace(row, kind="cpu", waits_in=None)


def profile_line(group: list[Counted]) -> ProfileLine:
    """The rows of one line, which differ in their stacks alone."""
    stacks: dict[tuple[str, ...], float] = defaultdict(float)
    for each in group:
        stacks[each.row.stack] += each.seconds
    row, is_work = group[0].row, group[0].row.kind == "cpu"
    return ProfileLine(
        file=row.file,
        line=row.line,
        function=row.function,
        state="running" if is_work else "waiting",
        waits_in=row.waits_in,
        kind=row.kind,
        on_loop=row.on_loop,
        seconds=sum(each.seconds for each in group),
        cpu_seconds=sum(each.cpu for each in group) if is_work else 0.0,
        stack=max(stacks, key=lambda stack: stacks[stack]),
    )


def total(
    slices: dict[int, tuple[float, float, int]], length: float, opened: float, closed: float
) -> tuple[float, float, int]:
    """
    Seconds, CPU seconds and samples in a window.

    A slice at its edge also has samples of the next step, with other users: the slices that lie inside stand for all.
    """
    first, end = math.ceil(opened / length), math.floor(closed / length)
    inside = [slices[place] for place in range(first, end) if place in slices]
    scale = (closed - opened) / ((end - first) * length) if end > first else 0.0
    return (
        scale * sum(seconds for seconds, _, _ in inside),
        scale * sum(cpu for _, cpu, _ in inside),
        sum(samples for _, _, samples in inside),
    )
