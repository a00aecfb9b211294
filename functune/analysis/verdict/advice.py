"""The settings to use for an app: one that suits all subjects where there is one, else one for each."""

from collections.abc import Sequence

import msgspec

from functune.analysis.verdict.recommendation import Recommendation
from functune.experiments.subject import Subject
from functune.setting import Setting


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """A setting to use, and the subjects it is for."""

    subjects: tuple[Subject, ...]
    """The requests that it is for."""
    setting: Setting
    """The setting to use."""
    settings_to_set: dict[str, str | None]
    """App settings and their values; None: leave unset."""


def advise(recommendations: Sequence[Recommendation], *, choices: int) -> tuple[Advice, ...]:
    """
    The simplest setting within 5 % of the best for every subject, or one per subject where none is.

    ``choices`` is the number of settings measured or skipped with a reason: with one there is nothing to choose, and no
    advice. An app has one setting for all its routes, so one that suits them all is worth more than the best of each.
    """
    if choices < 2 or not recommendations:
        return ()
    # A mix stands for all requests of the app: those that were also measured alone decide nothing.
    recommendations = [each for each in recommendations if each.subject.is_mix] or recommendations
    common = set.intersection(*(set(recommended.ties) for recommended in recommendations))
    if common:
        simplest = min(common, key=lambda one: one.simplicity)
        return (advice(tuple(each.subject for each in recommendations), simplest),)
    return tuple(advice((each.subject,), each.setting) for each in recommendations)


def advice(subjects: tuple[Subject, ...], setting: Setting) -> Advice:
    """The advice to use a setting for some subjects."""
    return Advice(subjects=subjects, setting=setting, settings_to_set=setting.settings_to_set())
