"""What the figures of a run can bear: the load generator's own limits and lateness, drift, and what was cut or lost."""

from collections.abc import Callable, Iterable, Sequence

import msgspec

from functune.analysis import littles_law
from functune.analysis.formatting import load, rate
from functune.analysis.repeats import Drift, drift
from functune.analysis.statistics import percentile
from functune.analysis.validity import HEADROOM
from functune.analysis.verdict import Analysis, Void
from functune.measurements import Calibration, Measurement, Setting


class Worst(msgspec.Struct, frozen=True, kw_only=True):
    """The highest value any step had, and which."""

    value: float
    step: Measurement

    @property
    def at(self) -> str:
        """The step in words."""
        return named(self.step)


class Backlog(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the arrivals of the open loop."""

    intended: int
    answered: int
    """With success or not."""
    late_p99: Worst | None
    """The step whose 99th percentile of lateness is the highest, seconds; None below 368 requests in every step."""

    @property
    def missing(self) -> int:
        """Meant to be sent in the windows and not answered in them."""
        return max(self.intended - self.answered, 0)


class Trust(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the report's trust section says, of all experiments of a run."""

    steps: int
    """Steps that count, repeats in one."""
    repeats: tuple[int, int]
    """The fewest and the most repeats of a step; (0, 0) without any."""
    before: Calibration | None
    after: Calibration | None
    fastest: Worst | None
    """The highest rate any step asked of the load generator, requests per second."""
    generator_cpu: Worst | None
    """Cores."""
    generator_lag_p99: Worst | None
    """Seconds by which the load generator woke up late; None below 368 samples in every step."""
    generator_rss_mb: float | None
    other_cpu: Worst | None
    """Cores; None where it is not known of any step."""
    other_cpu_unknown: int
    littles_law: Worst | None
    """The worst residual."""
    littles_law_broken: tuple[Measurement, ...]
    void: tuple[Void, ...]
    backlog: Backlog | None
    """None without an open loop."""
    warm_up: tuple[float, float] | None
    """The least and the most that was cut off a step, seconds."""
    drifts: tuple[tuple[str, Drift | None], ...]
    """By experiment; None where too few repeats of Azure's defaults were measured to tell."""
    seeds: tuple[tuple[str, int], ...]
    """By experiment."""

    @property
    def headroom(self) -> float | None:
        """How many times faster than the fastest step the load generator was by itself, at its worse calibration."""
        known = [each.throughput for each in (self.before, self.after) if each is not None]
        return min(known) / self.fastest.value if known and self.fastest is not None else None

    @property
    def enough_headroom(self) -> bool:
        """Whether the generator's own share of a latency is small."""
        return self.headroom is not None and self.headroom >= HEADROOM


def trust(analyses: Sequence[Analysis], calibrations: Sequence[Calibration] = ()) -> Trust:
    """What the figures of all experiments together can bear. ``calibrations`` are in the order they were made."""
    closed = [step for analysis in analyses for step in analysis.measurements]
    opened = [step for analysis in analyses for step in analysis.arrivals]
    steps = [*closed, *opened]
    counts = [count for analysis in analyses for count in repeats(analysis)]
    cuts = [each.warm_up for each in steps]
    return Trust(
        steps=len(steps),
        repeats=(min(counts, default=0), max(counts, default=0)),
        before=calibrations[0] if calibrations else None,
        after=calibrations[-1] if len(calibrations) > 1 else None,
        fastest=worst(steps, lambda step: step.rate),
        generator_cpu=worst(steps, lambda step: step.generator_cpu),
        generator_lag_p99=worst(steps, lambda step: seconds(percentile(step.generator_lag_us, 0.99))),
        generator_rss_mb=max((step.generator_rss_mb for step in steps if step.generator_rss_mb), default=None),
        other_cpu=worst(steps, lambda step: step.other_cpu),
        other_cpu_unknown=sum(step.other_cpu is None for step in steps),
        littles_law=worst(closed, littles_law.residual),
        littles_law_broken=tuple(step for step in closed if (littles_law.residual(step) or 0.0) > littles_law.LIMIT),
        void=tuple(void for analysis in analyses for void in analysis.void),
        backlog=backlog(opened),
        warm_up=(min(cuts), max(cuts)) if cuts else None,
        drifts=tuple((analysis.experiment.name, control(analysis)) for analysis in analyses),
        seeds=tuple((analysis.experiment.name, analysis.experiment.load.seed) for analysis in analyses),
    )


def worst(steps: Iterable[Measurement], value: Callable[[Measurement], float | None]) -> Worst | None:
    """The step with the highest value; None where none has one."""
    known = [(found, step) for step in steps if (found := value(step)) is not None]
    if not known:
        return None
    highest, step = max(known, key=lambda pair: pair[0])
    return Worst(value=highest, step=step)


def named(step: Measurement) -> str:
    """A step in words: route, setting, load and what it served."""
    return f"{step.route}, {step.setting}, {load(step)}, {rate(step.throughput)}"


def seconds(microseconds: float | None) -> float | None:
    """Microseconds as seconds."""
    return None if microseconds is None else microseconds / 1e6


def repeats(analysis: Analysis) -> list[int]:
    """How often each closed-loop step was measured."""
    counts: dict[tuple[object, ...], int] = {}
    for step in analysis.repeats:
        key = (step.route, step.setting, step.users)
        counts[key] = counts.get(key, 0) + 1
    return list(counts.values())


def backlog(steps: Sequence[Measurement]) -> Backlog | None:
    """What became of the arrivals; None without any."""
    if not steps:
        return None
    return Backlog(
        intended=sum(step.arrivals for step in steps),
        answered=sum(len(step.latencies_us) + len(step.error_latencies_us) for step in steps),
        late_p99=worst(steps, lambda step: seconds(percentile(step.send_delays_us, 0.99))),
    )


def control(analysis: Analysis) -> Drift | None:
    """How Azure's defaults, measured again in every round, changed over the run; None where they tell nothing."""
    return drift([step for step in analysis.repeats if step.setting == Setting()])
