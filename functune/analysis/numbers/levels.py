"""
Levels: all repeats of one step, analysed once. The rest of the analysis, the report and the plans read nothing else.

A step is a subject with a setting, at a number of closed-loop users or at arrivals of a share of the capacity.
"""

import zlib
from collections.abc import Callable, Iterable, Sequence

import msgspec
import numpy as np

from functune.analysis.numbers.figures import Figures, Price, figures_of
from functune.analysis.numbers.repeats import Spread, ratio, spread
from functune.analysis.numbers.request_figures import RequestFigures, request_figures
from functune.analysis.numbers.validity import void_reason
from functune.experiments.subject import Subject
from functune.formatting import number, plural, rate
from functune.run.measurement import Handler, Measurement
from functune.setting import Setting


class Repeat(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement of a step."""

    number: int
    """Counts from 0; the steps of one round share it."""
    trial: int
    """The run of the load generator that it belongs to."""
    started_at: float
    """Epoch seconds."""
    figures: Figures
    """The figures of this repeat alone."""


class Void(msgspec.Struct, frozen=True, kw_only=True):
    """A measurement that the load generator determined, not the app, and the reason."""

    repeat: int
    """The number of the repeat."""
    throughput: float
    """Successful requests per second."""
    reason: str
    """Why it does not count."""


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """One step with all its repeats."""

    subject: Subject
    """The requests that were measured."""
    setting: Setting
    """The setting they were measured with."""
    users: int
    """Closed-loop users; the connections for the arrivals of an open loop."""
    share: float | None = None
    """The arrival rate of an open loop as a share of the capacity; None for a closed loop."""
    arrival_rate: float | None = None
    """The intended arrivals per second of an open loop, averaged over the repeats."""
    handler: Handler | None = None
    """``def`` or ``async def``; None where no answer says it."""
    figures: Figures
    """The repeats that count, together; the void ones where none counts."""
    repeats: tuple[Repeat, ...] = ()
    """Those that count, in the order they were measured."""
    void: tuple[Void, ...] = ()
    """Those that do not."""
    spread: Spread | None = None
    """The throughput across repeats; None for fewer than two."""
    p95_spread: Spread | None = None
    """The p95 across repeats, seconds; None where a repeat has no p95."""
    cost_spread: Spread | None = None
    """The cost per million requests across repeats."""
    requests: tuple[RequestFigures, ...] = ()
    """The figures of each kind of request of a mix; none where all requests are the same."""

    @property
    def counts(self) -> bool:
        """Whether a repeat counts."""
        return bool(self.repeats)

    @property
    def throughput(self) -> float:
        """Requests per second, all repeats together."""
        return self.figures.throughput

    @property
    def load_in_words(self) -> str:
        """The load: ``64 users``, ``120 arrivals/s``."""
        return plural(self.users, "user") if self.arrival_rate is None else f"{number(self.arrival_rate)} arrivals/s"

    @property
    def in_words(self) -> str:
        """Subject, setting, load and throughput."""
        return f"{self.subject}, {self.setting}, {self.load_in_words}, {rate(self.throughput)}"

    def __str__(self) -> str:
        return f"{self.setting.in_words} at {plural(self.users, 'user')}"

    def by_repeat(self, value: Callable[[Figures], float | None]) -> dict[int, float]:
        """A figure of each repeat by the repeat's number, where it is known and above 0."""
        return {each.number: found for each in self.repeats if (found := value(each.figures))}


type LevelKey = tuple[Subject, Setting, int | float, bool]
"""Subject, setting, users or share, and whether it is an open loop: the identity of a step within its experiment."""


def key_of(step: Measurement | Level) -> LevelKey:
    """The identity of a step within its experiment, the same for all its repeats."""
    if step.share is None:
        return step.subject, step.setting, step.users, False
    return step.subject, step.setting, step.share, True


def levels_of(
    measured: Iterable[Measurement], *, seed: int = 1, price: Price | None = None, count_void: bool = False
) -> list[Level]:
    """
    The levels of measurements of one experiment, in the order in which their steps were first measured.

    ``seed`` is that of the resampling behind intervals. ``count_void`` counts void measurements too, for a search that
    must not measure them for ever.
    """
    groups: dict[LevelKey, list[Measurement]] = {}
    for step in measured:
        groups.setdefault(key_of(step), []).append(step)
    return [level_of(key, group, seed, price, count_void=count_void) for key, group in groups.items()]


def level_of(key: LevelKey, group: Sequence[Measurement], seed: int, price: Price | None, *, count_void: bool) -> Level:
    """The level of all measurements of one step."""
    reasons = [None if count_void else void_reason(step) for step in group]
    valid = [step for step, reason in zip(group, reasons, strict=True) if reason is None]
    first = group[0]
    rates = [step.arrival_rate for step in group if step.arrival_rate is not None]
    each = [figures_of([step], price) for step in valid]
    level = Level(
        subject=first.subject,
        setting=first.setting,
        users=first.users,
        share=first.share,
        arrival_rate=sum(rates) / len(rates) if rates else None,
        handler=next((step.handler for step in group if step.handler is not None), None),
        requests=request_figures(valid or group),
        figures=each[0] if len(each) == 1 else figures_of(valid or group, price),
        repeats=tuple(
            Repeat(number=step.repeat, trial=step.trial, started_at=step.started_at, figures=figures)
            for step, figures in zip(valid, each, strict=True)
        ),
        void=tuple(
            Void(repeat=step.repeat, throughput=step.throughput, reason=reason)
            for step, reason in zip(group, reasons, strict=True)
            if reason is not None
        ),
    )
    return with_spreads(level, seed)


def with_spreads(level: Level, seed: int) -> Level:
    """
    The level with the spread of its throughput, p95 and cost across repeats.

    Every interval of a run is computed here, once. The generator is seeded by the step itself, so that an interval
    depends neither on the other steps nor on their order.
    """

    def across(name: str, value: Callable[[Figures], float | None]) -> Spread | None:
        values = level.by_repeat(value)
        if len(values) < max(len(level.repeats), 2):
            return None
        return spread(list(values.values()), generator=generator_for(seed, name, *key_of(level)))

    return msgspec.structs.replace(
        level,
        spread=across("throughput", lambda figures: figures.throughput),
        p95_spread=across("p95", lambda figures: figures.p95),
        cost_spread=across("cost", lambda figures: figures.cost),
    )


def paired_ratio(one: Level, other: Level, value: Callable[[Figures], float | None], *, seed: int) -> Spread | None:
    """
    The spread of a figure of one level over that of another, repeat by repeat; None for fewer than two in common.

    The generator is seeded by the pair, so that the ratio the other way round spans exactly the inverse.
    """
    names = sorted(str(key_of(level)) for level in (one, other))
    return ratio(one.by_repeat(value), other.by_repeat(value), generator=generator_for(seed, "ratio", *names))


def generator_for(seed: int, *names: object) -> np.random.Generator:
    """The random generator of one figure: the same for the same seed and names, in every process."""
    return np.random.default_rng([seed, zlib.crc32(" ".join(map(str, names)).encode())])
