"""The limit of a subject, which explains why a setting is the best: one sentence, from its own measurements."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import msgspec

from functune.analysis.laws.bounds import Demand, bound
from functune.analysis.laws.prediction import weighted_mean
from functune.analysis.numbers.levels import Level
from functune.analysis.numbers.repeats import SAME
from functune.formatting import duration, number, plural, rate
from functune.setting import Setting, words_of

type CaseKind = Literal["waiting", "cpu-bound", "awaiting", "loop blocked", "bottleneck", "overhead", "unknown"]


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """The evidence for a reason."""

    best: Level
    """The recommended setting's level."""
    peaks: Mapping[Setting, Level]
    """The level with which every setting entered the choice."""
    levels: Sequence[Level]
    """Every closed-loop level of the subject."""
    demand: Demand | None
    cores: float | None


class Contrast(msgspec.Struct, frozen=True, kw_only=True):
    """Two settings that differ in one knob only."""

    low: Level
    high: Level

    @property
    def gain(self) -> float:
        """Throughput of the higher over that of the lower."""
        return self.high.throughput / self.low.throughput if self.low.throughput else float("inf")


def kind(case: Case) -> CaseKind:
    """The kind of limit."""
    demand = case.demand
    if demand is None or demand.cpu_share is None:
        return "unknown"
    alone = latency_alone(case)
    if alone is not None and alone > 2 * demand.service:
        return "overhead"
    at_once = served_at_once(case)
    if at_once is not None:
        return "loop blocked" if at_once < 1.5 else "bottleneck"
    if demand.cpu_share >= 0.5:
        return "cpu-bound"
    if case.best.handler != "async def":
        return "waiting"
    return "awaiting" if crowded(case) else "unknown"


def crowded(case: Case) -> Level | None:
    """
    The ``async def`` step with the most throughput per worker, of those with at least four users per worker.

    With fewer users a handler that blocks its loop looks like one that awaits.
    """
    steps = [
        step for step in case.levels if step.handler == "async def" and step.users >= 4 * step.setting.process_count
    ]
    return max(steps, key=lambda step: step.throughput / step.setting.process_count, default=None)


def latency_alone(case: Case) -> float | None:
    """Mean latency of a request of a single user, seconds."""
    return weighted_mean(level for level in case.levels if level.users == 1)


def served_at_once(case: Case) -> float | None:
    """
    How many requests each worker of an ``async def`` route serves at a time, where that is too few; else None.

    It is X S / P, by Little's law at the handler. Too few is less than half of the bounds, which include only the
    handler's waiting and its little CPU time. Then something holds the requests back: at about one per worker it is the
    event loop itself.
    """
    step = crowded(case)
    if step is None or case.demand is None:
        return None
    allowed = bound(case.demand, users=step.users, setting=step.setting, handler=step.handler, cores=case.cores)
    if step.throughput > allowed.throughput / 2:
        return None
    return step.throughput * case.demand.service / step.setting.process_count


def reason(case: Case) -> str:
    """Why the recommended setting is the best of those measured, in one sentence."""
    return REASONS[kind(case)](case)


def waiting(case: Case) -> str:
    """A ``def`` handler that mostly waits: threads overlap the waits, unless it waits for something that is scarce."""
    seen = f"The handler waits ({cpu_of_service(case)} on the CPU)"
    contrast = by_threads(case, up_to_best=True)
    if contrast and contrast.gain > 1 + SAME:
        return f"{seen}, so threads add throughput: {contrast_in_words(contrast)}."
    contrast = by_threads(case)
    if contrast and fills(case, contrast):
        return (
            f"{seen}, yet threads add no throughput ({contrast_in_words(contrast)}): it waits for something that "
            "serves few calls at a time, such as a lock, a pool or another server."
        )
    return f"{seen}. Whether threads add throughput was not measured."


def fills(case: Case, pair: Contrast) -> bool:
    """Whether the higher setting met at least four times the users that the lower one serves at a time."""
    users = max(level.users for level in case.levels if level.setting == pair.high.setting)
    return users >= 4 * pair.low.setting.threads * pair.low.setting.process_count


def cpu_bound(case: Case) -> str:
    """A handler that computes: one core per process under the GIL, more where threads add throughput."""
    seen = f"The handler is CPU-bound ({cpu_of_service(case)} on the CPU)"
    contrast = by_threads(case)
    if contrast is None:
        threads_seen = ""
    elif contrast.gain > 1 + SAME:
        threads_seen = f", outside the GIL: threads add throughput ({contrast_in_words(contrast)})"
    else:
        threads_seen = f", and threads add no throughput ({contrast_in_words(contrast)})"
    processes = by_processes(case)
    processes_seen = (
        f"; {plural(processes.high.setting.process_count, 'process')} gave {number(processes.gain)} times "
        f"the throughput of {processes.low.setting.process_count}"
        if processes
        else ""
    )
    return f"{seen}{threads_seen}{processes_seen}."


def awaiting(case: Case) -> str:
    """An ``async def`` handler whose waits overlap on the event loop."""
    contrast = by_threads(case)
    if contrast and abs(contrast.gain - 1) > SAME:
        return (
            f"The handler is async, yet threads change its throughput ({contrast_in_words(contrast)}): "
            "it seems to hand work to the thread pool."
        )
    seen = f": {contrast_in_words(contrast)}" if contrast else ""
    return f"The handler awaits ({cpu_of_service(case)} on the CPU) and needs no threads{seen}."


def loop_blocked(case: Case) -> str:
    """An ``async def`` handler that waits without awaiting."""
    each = case.best.throughput / case.best.setting.process_count
    cpu = known(known(case.demand).cpu)
    allowed = f", where its {duration(cpu)} of CPU would allow {rate(1 / cpu)}" if cpu else ""
    return (
        f"The async handler blocks its event loop: each worker process serves {rate(each)} at any number of users"
        f"{allowed}; no setting repairs that, awaiting or asyncio.to_thread does."
    )


def bottleneck(case: Case) -> str:
    """An ``async def`` handler behind something with few places."""
    return (
        "The async handler leaves its event loop free, yet each worker process serves only about "
        f"{number(known(served_at_once(case)), digits=2)} requests at a time: something it awaits holds the others "
        "back, such as the pool of asyncio.to_thread or a connection limit."
    )


def overhead(case: Case) -> str:
    """A handler too short to matter."""
    service, alone = known(case.demand).service, known(latency_alone(case))
    return (
        f"The handler takes {duration(service)} of the {duration(alone)} a request takes: the rest is host, transport "
        "and load generator, which threads do not shorten."
    )


def unknown(case: Case) -> str:
    """Measurements that do not show the limit."""
    fastest = f"It was the fastest of {len(case.peaks)} settings, or tied. " if len(case.peaks) > 1 else ""
    if all(level.figures.service is None for level in case.levels):
        return (
            f"{fastest}Its limit is not known, because the answers do not report the times of the handler. "
            "The local host measures them: run the sweep with --host local."
        )
    return (
        f"{fastest}Its limit is not known: to find it, measure a step with one user, "
        "and for an async handler a step with at least four users per worker process."
    )


REASONS: dict[CaseKind, Callable[[Case], str]] = {
    "waiting": waiting,
    "cpu-bound": cpu_bound,
    "awaiting": awaiting,
    "loop blocked": loop_blocked,
    "bottleneck": bottleneck,
    "overhead": overhead,
    "unknown": unknown,
}


def by_threads(case: Case, *, up_to_best: bool = False) -> Contrast | None:
    """Fewest against most threads (or the recommended number), all else as recommended."""
    here = case.best.setting
    same = [peak for peak in case.peaks.values() if differs_only(peak.setting, here, "thread_count")]
    if up_to_best:
        same = [peak for peak in same if peak.setting.threads <= here.threads]
    return contrast(sorted(same, key=lambda peak: peak.setting.threads))


def by_processes(case: Case) -> Contrast | None:
    """Fewest against most processes, all else as recommended."""
    here = case.best.setting
    same = [peak for peak in case.peaks.values() if differs_only(peak.setting, here, "process_count")]
    return contrast(sorted(same, key=lambda peak: peak.setting.process_count))


def differs_only(one: Setting, other: Setting, knob: str) -> bool:
    """Whether two settings agree in everything but a knob."""
    return msgspec.structs.replace(one, **{knob: getattr(other, knob)}) == other


def contrast(ordered: list[Level]) -> Contrast | None:
    """The first against the last; None where there is only one."""
    return Contrast(low=ordered[0], high=ordered[-1]) if len(ordered) > 1 else None


def contrast_in_words(pair: Contrast) -> str:
    """The two by their threads: ``159 requests/s with 16 threads, 9.94 requests/s with 1 thread``."""
    return ", ".join(
        f"{rate(step.throughput)} with {words_of(step.setting, ['thread_count'])}" for step in (pair.high, pair.low)
    )


def cpu_of_service(case: Case) -> str:
    """``301 µs of its 100 ms``."""
    demand = known(case.demand)
    return f"{duration(known(demand.cpu))} of its {duration(demand.service)}"


def known[T](value: T | None) -> T:
    """The value, which the kind of the case promises is there."""
    if value is None:
        raise TypeError("this kind of case needs a value that its measurements do not give")
    return value
