"""The sentence that sums an experiment up, from the recommendations for its subjects."""

from collections.abc import Sequence

import msgspec

from functune.analysis.numbers.repeats import SAME, SAME_IN_WORDS
from functune.analysis.verdict.advice import Advice
from functune.analysis.verdict.recommendation import Recommendation
from functune.analysis.verdict.strategies import STRATEGIES
from functune.experiments.model import Baseline
from functune.experiments.subject import Subject
from functune.formatting import duration, joined, number, plural, rate
from functune.setting import Setting


def verdict(
    recommendations: Sequence[Recommendation],
    advice: Sequence[Advice],
    unmet: Sequence[tuple[Subject, str]],
    unfit: str = "",
    *,
    baseline: Baseline | None = None,
) -> str:
    """
    The sentence that sums an experiment up; ``unmet`` has the reason for each subject without a recommendation.

    ``unfit`` says which settings do not fit the memory of their instance.

    ``baseline`` is the present setting of the app; None compares with Azure's defaults.
    """
    if not recommendations:
        return f"No setting can be recommended. {unfit or (unmet[0][1] if unmet else '')}".strip()
    others = "".join(f" For {subject}: {reason}" for subject, reason in unmet)
    return f"{sentence(recommendations, advice, baseline)}{others} {unfit}".rstrip()


def sentence(recommendations: Sequence[Recommendation], advice: Sequence[Advice], baseline: Baseline | None) -> str:
    """The verdict on the recommended settings. The verdict on a mix comes before that on each of its requests."""
    if mixes := [each for each in recommendations if each.subject.is_mix]:
        alone = [f"{each.setting.in_words} for {each.subject}" for each in recommendations if not each.subject.is_mix]
        said = f" Measured alone, the requests need {joined(alone)}." if alone else ""
        return "".join(one_subject(each, compared=bool(advice), baseline=baseline) for each in mixes) + said
    if len(recommendations) == 1:
        return one_subject(recommendations[0], compared=bool(advice), baseline=baseline)
    if not advice:
        return subjects_compared(recommendations)
    if len(advice) == 1:
        return (
            f"Use {advice[0].setting.in_words}, within {SAME_IN_WORDS} of the best for every route: "
            f"{joined(throughputs_in_words(recommendations, advice[0].setting))}."
        )
    wishes = [f"{each.setting.in_words} for {each.subjects[0]}" for each in advice]
    return f"No one setting suits every route: use {joined(wishes)}."


def throughputs_in_words(recommendations: Sequence[Recommendation], setting: Setting) -> list[str]:
    """The throughput of each subject with a setting, highest first; of more than three only the highest and lowest."""
    ordered = sorted(
        (
            (each.throughput, str(one.subject))
            for one in recommendations
            for each in one.evidence
            if each.setting == setting
        ),
        reverse=True,
    )
    shown = ordered if len(ordered) <= 3 else [ordered[0], ordered[-1]]
    return [f"{rate(throughput)} on {subject}" for throughput, subject in shown]


def one_subject(recommended: Recommendation, *, compared: bool, baseline: Baseline | None = None) -> str:
    """The verdict where one subject was measured; ``compared`` says whether other settings were measured or skipped."""
    best = recommended.best
    measured = f"{rate(best.throughput)} at {plural(best.users, 'user')}"
    if len(recommended.evidence) == 1 and compared:
        return f"Use {best.setting.in_words}: {measured}, and no other setting can beat it."
    if len(recommended.evidence) == 1:
        return f"One setting was measured, {best.setting.in_words}: {measured}."
    if len(recommended.ties) == len(recommended.evidence):
        return (
            f"No setting makes a difference, so use the simplest, {best.setting.in_words}: {measured}, and none of the "
            f"{len(recommended.evidence)} measured is shown to be more than {SAME_IN_WORDS} better."
        )
    if recommended.strategy != "throughput":
        p95 = f", p95 {duration(best.p95)}" if best.p95 is not None else ""
        aim = STRATEGIES[recommended.strategy].best
        return f"Use {best.setting.in_words}: {measured}{p95}, {aim} of those measured."
    return f"Use {best.setting.in_words}: {measured}{against_baseline(recommended, baseline)}."


def against_baseline(recommended: Recommendation, baseline: Baseline | None) -> str:
    """How the recommended setting compares with the baseline; empty where that was not measured."""
    best = recommended.best
    setting = Setting() if baseline is None else baseline.setting
    name = "the defaults" if baseline is None else f"the present settings ({setting.in_words})"
    compared = next((each for each in recommended.evidence if each.setting == setting), None)
    if compared is None:
        return ""
    if best.setting == setting:
        return "" if baseline is None else ", which are the present settings"
    if setting in recommended.ties:
        return f", as much as with {name}{'' if baseline is None else ', which can stay'}"
    return f", {number(best.throughput / compared.throughput)} times the throughput of {name}"


def subjects_compared(recommendations: Sequence[Recommendation]) -> str:
    """The verdict where every subject was measured with the same single setting: the subjects are the question."""
    ordered = sorted(recommendations, key=lambda recommended: -recommended.best.throughput)
    fastest, slowest = ordered[0].best, ordered[-1].best
    gain = fastest.throughput / slowest.throughput
    if gain < 1 / (1 - SAME):
        return (
            f"All {len(ordered)} routes serve about the same with {fastest.setting.in_words}: "
            f"{rate(fastest.throughput)} at best."
        )
    return (
        f"With {fastest.setting.in_words}, {ordered[0].subject} serves {rate(fastest.throughput)}, "
        f"{number(gain)} times {ordered[-1].subject} ({rate(slowest.throughput)})."
    )


def sizes_in_words(recommended: Recommendation) -> list[str]:
    """The setting for each instance size, a sentence each: ``On B1 use 16 threads in 1 process: 82.1 requests/s.``"""
    return [
        f"On {each.setting.instance or 'the whole machine'} use "
        f"{msgspec.structs.replace(each.setting, instance=None).in_words}: {rate(each.throughput)} at "
        f"{plural(each.users, 'user')}."
        for each in recommended.by_size
    ]


def reasons_in_words(recommendations: Sequence[Recommendation]) -> list[str]:
    """The reason and the certainty of each recommendation, with its subject where there are several."""
    several = len(recommendations) > 1
    return [
        f"{f'{each.subject}: ' if several else ''}{each.reason} {each.certainty}".strip() for each in recommendations
    ]
