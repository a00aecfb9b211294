"""How sure a choice is: by how much the next best is worse in every repeat, and what cannot be told from the best."""

import numpy as np

from functune.analysis.formatting import number, plural
from functune.analysis.formatting import setting as in_words
from functune.analysis.repeats import ratio
from functune.analysis.strategies import Candidate, Choice, Strategy, wants

BETTER: dict[Strategy, str] = {
    "throughput": "it serves {} times as much as {}",
    "latency": "its p95 is {} times shorter than that of {}",
    "cost": "it is {} times cheaper than {}",
    "balanced": "its balance of cost and p95 is {} times better than that of {}",
}


def certainty(choice: Choice, *, weight: float = 0.5, generator: np.random.Generator) -> str:
    """One or two sentences; ``weight`` is that of the balanced strategy."""
    sentences = []
    if choice.next_best is not None:
        sentences.append(beside(choice, choice.next_best, weight, generator))
    others = len(choice.ties) - 1
    if others:
        sentences.append(
            f"{plural(others, 'other setting')} cannot be told from the best by 5 %: this is the simplest of them."
        )
    return " ".join(sentences)


def beside(choice: Choice, other: Candidate, weight: float, generator: np.random.Generator) -> str:
    """The chosen candidate beside the best that is not tied."""
    mine, theirs = (wants(each.repeats, choice.strategy, weight) for each in (choice.chosen, other))
    found = ratio(theirs, mine, generator=generator)
    name = f"{in_words(other.setting)}, the next best"
    if found is None:
        once = next(iter(theirs.values())) / next(iter(mine.values()))
        compared = BETTER[choice.strategy].format(number(once), name)
        return f"By one measurement {compared}; repeats would say how sure that is."
    sure = "With 95 % confidence" if found.is_interval else f"In each of {plural(found.repeats, 'repeat')}"
    compared = BETTER[choice.strategy].format(f"{number(found.low)} to {number(found.high)}", name)
    return f"{sure} {compared}."
