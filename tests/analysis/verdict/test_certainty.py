"""How sure a choice is, in words."""

import msgspec
import pytest

from functune.analysis.numbers.levels import levels_of
from functune.analysis.verdict.recommendation import Aim, Recommendation, recommend
from functune.run.measurement import Measurement
from functune.setting import Setting
from tests.analysis.simulated import SLEEP, step

SLOW, FAST, EQUAL = Setting(thread_count=4), Setting(thread_count=16), Setting(thread_count=64)


def served(setting: Setting, *counts: int) -> list[Measurement]:
    """Repeats of a step that served so many requests in 3 s."""
    made = step(setting=setting, users=8)
    return [
        msgspec.structs.replace(made, repeat=repeat, latencies_us=[50_000 * 200 // count] * count)
        for repeat, count in enumerate(counts)
    ]


def certainty(*steps: Measurement, aim: Aim | None = None) -> str:
    found = recommend(SLEEP, levels_of(steps), aim=aim or Aim())
    assert isinstance(found, Recommendation)
    return found.certainty


@pytest.mark.parametrize(
    ("slow", "fast", "said"),
    [
        ((100,), (200,), "By single figures it serves 2.00 times as much as 4 threads in 1 process, the next best;"),
        ((100, 100), (200, 210), "In each of 2 repeats it serves 2.00 to 2.10 times as much as 4 threads in 1 process"),
        ((100,) * 5, (199, 200, 200, 201, 200), "With 95 % confidence it serves "),
    ],
    ids=["one", "two", "five"],
)
def test_certainty_rests_on_the_repeats(slow: tuple[int, ...], fast: tuple[int, ...], said: str) -> None:
    assert certainty(*served(SLOW, *slow), *served(FAST, *fast)).startswith(said)


def test_certainty_names_ties() -> None:
    tied = "1 other setting is within 5 % of the best, as far as the repeats show; this is the simplest of them."
    steps = [*served(SLOW, 100, 100), *served(FAST, 200, 200), *served(EQUAL, 201, 201)]
    assert certainty(*steps).startswith(f"{tied} In each of 2 repeats")
    assert certainty(*steps).endswith(f"as much as {SLOW.in_words}, the best of the rest.")
    assert certainty(*served(FAST, 200), *served(EQUAL, 201)) == tied


def test_certainty_is_in_what_the_strategy_wants() -> None:
    steps = [*served(SLOW, 100, 100), *served(FAST, 200, 200)]
    said = certainty(*steps, aim=Aim(strategy="latency"))
    assert said.startswith("In each of 2 repeats its p95 is 2.00 times shorter than that of 4 threads")


def test_nothing_to_choose_is_certain_of_nothing() -> None:
    assert certainty(*served(SLOW, 100)) == ""
