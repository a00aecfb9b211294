"""Throughput against users as a law: the curve of each setting through all of its repeats, or why there is none."""

from collections.abc import Iterable

import msgspec

from functune.analysis.laws.usl import Fit, Refused, fit
from functune.analysis.numbers.levels import Level, generator_for
from functune.setting import Setting


class Law(msgspec.Struct, frozen=True, kw_only=True):
    """The Universal Scalability Law of a setting, or the reason why it does not describe it."""

    setting: Setting
    fit: Fit | None
    refused: str | None
    """The reason; None with a fit."""


def laws_of(levels: Iterable[Level], *, seed: int) -> tuple[Law, ...]:
    """
    The law of each setting, from the closed-loop levels of one subject.

    Levels that served nothing are omitted: the law knows no zero.
    """
    throughputs: dict[Setting, dict[int, list[float]]] = {}
    for level in levels:
        if known := level.by_repeat(lambda figures: figures.throughput):
            throughputs.setdefault(level.setting, {})[level.users] = list(known.values())
    found = {
        setting: fit(measured, generator=generator_for(seed, "law", setting))
        for setting, measured in throughputs.items()
    }
    return tuple(
        Law(setting=setting, fit=None, refused=each.reason)
        if isinstance(each, Refused)
        else Law(setting=setting, fit=each, refused=None)
        for setting, each in found.items()
    )
