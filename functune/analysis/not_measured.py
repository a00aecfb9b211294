"""The settings that could not be measured, and among them those that do not fit the memory of their instance."""

from collections.abc import Iterable, Sequence

import msgspec

from functune.analysis.numbers.levels import Level
from functune.analysis.verdict.limit import Limit
from functune.analysis.verdict.limit_around import unfit_limit
from functune.experiments.model import Experiment
from functune.experiments.subject import Subject
from functune.formatting import joined, plural
from functune.run.measurement import Failure
from functune.setting import Setting
from functune.shapes import InstanceShape

MOST_NAMED = 3
"""Settings that a sentence names one by one."""


class NotMeasured(msgspec.Struct, frozen=True, kw_only=True):
    """A setting that could not be measured for a subject, or not to the end, and why."""

    subject: Subject
    setting: Setting
    reason: str
    unfit_mb: int | None = None
    """The memory of the instance that it does not fit, which is a result; None for another reason."""


def failed_settings(experiment: Experiment, failures: Iterable[Failure]) -> tuple[NotMeasured, ...]:
    """The settings that could not be measured for a subject, each with its first cause."""
    found: dict[tuple[Subject, Setting], Failure] = {}
    for failure in failures:
        if failure.experiment == experiment.name:
            found.setdefault((failure.subject, failure.setting), failure)
    return tuple(
        NotMeasured(subject=subject, setting=setting, reason=failure.cause, unfit_mb=failure.unfit_mb)
        for (subject, setting), failure in found.items()
    )


def with_kills(levels: Iterable[Level], failed: Iterable[NotMeasured]) -> list[Level]:
    """The levels, with a kill in those of settings that do not fit: the step that showed it may have no answer."""
    unfit = {(each.subject, each.setting) for each in failed if each.unfit_mb is not None}

    def marked(level: Level) -> Level:
        if (level.subject, level.setting) not in unfit or level.figures.memory_kills:
            return level
        return msgspec.structs.replace(level, figures=msgspec.structs.replace(level.figures, memory_kills=1))

    return [marked(level) for level in levels]


def unfit_everywhere(subject: Subject, levels: Iterable[Level], failed: Iterable[NotMeasured]) -> Limit | None:
    """The limit of a subject that fits the memory of no instance it was tried on; None where a step worked."""
    unfit = [each for each in failed if each.subject == subject and each.unfit_mb is not None]
    settings = {each.setting for each in unfit}
    others = [level for level in levels if level.subject == subject and level.setting not in settings]
    return unfit_limit([each.reason for each in unfit]) if unfit and not others else None


def unfit_in_words(failed: Iterable[NotMeasured]) -> str:
    """The settings that do not fit their instance, in a sentence for each subject and size; empty for none."""
    groups: dict[tuple[Subject, InstanceShape | None], list[NotMeasured]] = {}
    for each in failed:
        if each.unfit_mb is not None:
            groups.setdefault((each.subject, each.setting.instance), []).append(each)
    return " ".join(
        f"{subject} does not fit {unfit[0].unfit_mb:,} MB ({shape}) with {settings_in_words(unfit)}."
        for (subject, shape), unfit in groups.items()
    )


def settings_in_words(several: Sequence[NotMeasured]) -> str:
    """The settings on one instance size, without it; their number where there are many."""
    if len(several) > MOST_NAMED:
        return plural(len(several), "setting")
    return joined([msgspec.structs.replace(each.setting, instance=None).in_words for each in several])
