"""A step in one line of the progress."""

from functune.analysis.numbers.statistics import percentile
from functune.load.records import Request, StepEnd
from functune.sweep.event_words import median_ms
from tests.load.loads import measured


def test_median_of_a_step_is_the_p50_of_its_report() -> None:
    """Of an even number of answers the two in the middle differ: 1, 2, … ms."""
    requests = [Request(1.5 + number / 100, 1.5 + number / 100 + number / 1000, None) for number in range(1, 13)]
    step = measured(StepEnd(1, 0.0, 1.0, 2.0, (), None), requests)
    assert len(step.latencies_us) % 2 == 0
    median = percentile(step.latencies_us, 0.5)
    assert median is not None
    assert median_ms(step).strip() == f"{median / 1000:.1f} ms"
