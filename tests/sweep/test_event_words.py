"""A step in one line of the progress."""

import re

from functune.analysis.numbers.statistics import percentile
from functune.load.records import Request, StepEnd
from functune.sweep.event_words import described, median_ms
from tests.load.loads import measured


def test_median_of_a_step_is_the_p50_of_its_report() -> None:
    """Of an even number of answers the two in the middle differ: 1, 2, … ms."""
    requests = [Request(1.5 + number / 100, 1.5 + number / 100 + number / 1000, None) for number in range(1, 13)]
    step = measured(StepEnd(1, 0.0, 1.0, 2.0, (), None), requests)
    assert len(step.latencies_us) % 2 == 0
    median = percentile(step.latencies_us, 0.5)
    assert median is not None
    assert median_ms(step).strip() == f"{median / 1000:.1f} ms"


def test_one_user_is_one_user_and_the_columns_stay_in_line() -> None:
    answered = [Request(1.1, 1.2, None)]
    lines = [described(measured(StepEnd(users, 0.0, 1.0, 2.0, (), None), answered)) for users in (1, 2, 64)]
    assert [re.findall(r"\d+ users?\b", line) for line in lines] == [["1 user"], ["2 users"], ["64 users"]]
    assert len({line.index("requests/s") for line in lines}) == 1
