"""Reliability of a run's figures: limits and lateness of the load generator, drift, warm-up and void measurements."""

from collections.abc import Callable, Iterable, Sequence

import msgspec

from functune.analysis.checks.drift import Drift
from functune.analysis.experiment import ExperimentFindings
from functune.analysis.laws import littles_law
from functune.analysis.numbers.figures import Figures
from functune.analysis.numbers.levels import Level
from functune.run.measurement import Calibration

HEADROOM = 5.0
"""How many times faster than a step the generator should be by itself, so that its share of a latency is small."""


class Worst(msgspec.Struct, frozen=True, kw_only=True):
    """The highest value of any level, and the level in words."""

    value: float
    """The value, in the unit of its key."""
    at: str
    """The level in words."""


class Backlog(msgspec.Struct, frozen=True, kw_only=True):
    """The fate of the arrivals of the open loop."""

    intended: int
    """Arrivals intended in the windows."""
    answered: int
    """Successfully or not."""
    late_p99: Worst | None
    """The step whose 99th percentile of lateness is the highest, seconds; None below 368 requests in every step."""

    @property
    def missing(self) -> int:
        """Intended in the windows and not answered in them."""
        return max(self.intended - self.answered, 0)


class VoidStep(msgspec.Struct, frozen=True, kw_only=True):
    """A measurement that does not count, its level in words, and why."""

    at: str
    """The level in words."""
    reason: str
    """Why it does not count."""


class Trust(msgspec.Struct, frozen=True, kw_only=True):
    """Everything on which the reliability of a run's figures rests, for all its experiments together."""

    steps: int
    """Levels that count."""
    repeats: tuple[int, int]
    """The fewest and the most repeats of a closed-loop level; (0, 0) without any."""
    calibration_before: Calibration | None
    """The load generator against a server that does nothing, before the run."""
    calibration_after: Calibration | None
    """The same after the run."""
    fastest: Worst | None
    """The highest rate that any step asked of the load generator, requests per second."""
    generator_cpu_cores: Worst | None
    """The most cores that one load process used."""
    load_processes: int
    """The most that sent the requests of a step."""
    clock_offset: Worst | None
    """The largest difference of the clock of a load process, seconds; None where one process sent all requests."""
    clock_bound: Worst | None
    """The most by which such a difference may be off, seconds."""
    clock_share: Worst | None
    """That bound as a share of the window of its step."""
    generator_lag_p99: Worst | None
    """Seconds by which the load generator woke up late; None below 368 samples in every step."""
    generator_memory_mb: float | None
    """The most memory of the load processes."""
    other_cpu_cores: Worst | None
    """The most cores that other programs used; None where it is not known for any step."""
    other_cpu_unknown: int
    """Levels for which it is not known."""
    littles_law_off: Worst | None
    """The highest relative residual, levels whose window is too short excepted."""
    littles_law_broken: tuple[Worst, ...]
    """The levels at which Little's law does not hold."""
    littles_law_unchecked: int
    """Levels whose window is too short to check it."""
    void: tuple[VoidStep, ...]
    """The measurements that do not count."""
    backlog: Backlog | None
    """The fate of the arrivals of the open loop; None without one."""
    warm_up: tuple[float, float] | None
    """The least and the most that was cut off a step, seconds."""
    drift: dict[str, Drift]
    """The drift by experiment; none for an experiment whose baseline has too few repeats."""
    seeds: dict[str, int]
    """The seed of each experiment, by name."""

    @property
    def headroom(self) -> float | None:
        """How many times faster than the fastest step the load generator was by itself, at its worse calibration."""
        both = (self.calibration_before, self.calibration_after)
        known = [each.throughput for each in both if each is not None]
        return min(known) / self.fastest.value if known and self.fastest is not None else None

    @property
    def enough_headroom(self) -> bool:
        """Whether the generator's own share of a latency is small."""
        return self.headroom is not None and self.headroom >= HEADROOM


def trust_of(findings: Sequence[ExperimentFindings], calibrations: Sequence[Calibration] = ()) -> Trust:
    """The reliability of the figures of all experiments. ``calibrations`` are in the order they were made."""
    closed = [level for each in findings for level in each.levels]
    opened = [level for each in findings for level in each.arrivals]
    levels = [*closed, *opened]
    counts = [len(level.repeats) for level in closed]
    cuts = [level.figures.warm_up for level in levels]
    judged = [(level, littles_law.soundness(level.figures)) for level in closed]
    return Trust(
        steps=len(levels),
        repeats=(min(counts, default=0), max(counts, default=0)),
        calibration_before=calibrations[0] if calibrations else None,
        calibration_after=calibrations[-1] if len(calibrations) > 1 else None,
        fastest=worst(levels, lambda figures: figures.rate),
        generator_cpu_cores=worst(levels, lambda figures: figures.busiest_generator),
        load_processes=max((level.figures.load_processes for level in levels), default=1),
        clock_offset=worst(levels, lambda figures: figures.clock_offset),
        clock_bound=worst(levels, lambda figures: figures.clock_bound),
        clock_share=worst(levels, clock_share),
        generator_lag_p99=worst(levels, lambda figures: figures.generator_lag_p99),
        generator_memory_mb=max(
            (level.figures.generator_memory_mb for level in levels if level.figures.generator_memory_mb), default=None
        ),
        other_cpu_cores=worst(levels, lambda figures: figures.other_cpu),
        other_cpu_unknown=sum(level.figures.other_cpu is None for level in levels),
        littles_law_off=worst((level for level, sound in judged if sound != "window too short"), littles_law.residual),
        littles_law_broken=tuple(
            Worst(value=littles_law.residual(level.figures) or 0.0, at=level.in_words)
            for level, sound in judged
            if sound == "broken"
        ),
        littles_law_unchecked=sum(sound == "window too short" for _, sound in judged),
        void=tuple(
            VoidStep(at=level.in_words, reason=each.reason)
            for experiment in findings
            for level in experiment.void
            for each in level.void
        ),
        backlog=backlog(opened),
        warm_up=(min(low for low, _ in cuts), max(high for _, high in cuts)) if cuts else None,
        drift={each.name: each.drift for each in findings if each.drift is not None},
        seeds={each.name: each.experiment.load.seed for each in findings},
    )


def clock_share(figures: Figures) -> float | None:
    """How far the clock of a load process may be off, as a share of the shortest window of the step."""
    return None if figures.clock_bound is None else figures.clock_bound / figures.shortest_window


def worst(levels: Iterable[Level], value: Callable[[Figures], float | None]) -> Worst | None:
    """The level with the highest value; None where none has one."""
    known = [(found, level) for level in levels if (found := value(level.figures)) is not None]
    if not known:
        return None
    highest, level = max(known, key=lambda pair: pair[0])
    return Worst(value=highest, at=level.in_words)


def backlog(levels: Sequence[Level]) -> Backlog | None:
    """The fate of the arrivals; None without any."""
    if not levels:
        return None
    return Backlog(
        intended=sum(level.figures.arrivals for level in levels),
        answered=sum(level.figures.requests + level.figures.failed for level in levels),
        late_p99=worst(levels, lambda figures: figures.send_delay_p99),
    )
