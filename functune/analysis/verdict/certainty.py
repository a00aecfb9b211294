"""How certain a choice is: by how much the next best is worse in every repeat, and which settings are as good."""

from functune.analysis.numbers.levels import Level
from functune.analysis.numbers.repeats import SAME_IN_WORDS
from functune.analysis.verdict.strategies import STRATEGIES, Choice, times_worse, times_worse_once
from functune.formatting import number, number_range, plural


def certainty(choice: Choice, *, seed: int) -> str:
    """One or two sentences; ``seed`` is that of the resampling."""
    sentences = []
    if others := len(choice.ties) - 1:
        verb = "is" if others == 1 else "are"
        sentences.append(
            f"{plural(others, 'other setting')} {verb} within {SAME_IN_WORDS} of the best, as far as the repeats show; "
            "this is the simplest of them."
        )
    if choice.next_best is not None:
        sentences.append(compared_with(choice, choice.next_best, seed))
    return " ".join(sentences)


def compared_with(choice: Choice, other: Level, seed: int) -> str:
    """The chosen level against the best that is not tied."""
    rule = STRATEGIES[choice.strategy]
    found = times_worse(other, choice.chosen, rule, seed)
    name = f"{other.setting.in_words}, {'the next best' if len(choice.ties) == 1 else 'the best of the rest'}"
    if found is None:
        compared = rule.better.format(number(times_worse_once(other, choice.chosen, rule)), name)
        return f"By single figures {compared}; repeats of both would show how certain that is."
    sure = "With 95 % confidence" if found.is_interval else f"In each of {plural(found.repeats, 'repeat')}"
    return f"{sure} {rule.better.format(number_range(found.low, found.high), name)}."
