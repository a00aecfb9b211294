import re
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functune.analysis.verdict import analyse
from functune.experiments import Matrix
from functune.report.charts import LABEL_GAP, apart, axis, bounds, latency_chart, throughput_chart
from functune.report.heat_map import colors, contrast, heat_map
from tests.analysis.simulated import planned, step, sweep

ROUTE = "/api/sync/sleep?ms=100"


def test_throughput_chart_draws_every_point_and_says_it() -> None:
    experiment = planned(settings=Matrix(thread_count=(1, 16)))
    drawn = throughput_chart(analyse(experiment, sweep(experiment), cores=2), ROUTE)
    assert drawn is not None
    assert len(re.findall(r'aria-label="[^"]+ · [^"]+" role="graphics-symbol"', drawn)) == 2 * 3 * 2  # both sizes
    assert drawn.count('role="img"') == 2
    assert "16 threads: 160 requests/s · 64 users · 16 threads in 1 process" in drawn


def test_latency_chart_leaves_out_what_has_too_few_requests() -> None:
    experiment = planned(settings=Matrix(thread_count=(1,)))
    analysis = analyse(experiment, sweep(experiment), cores=2)
    assert latency_chart(analysis, ROUTE) is None


def test_chart_of_one_level_is_drawn() -> None:
    experiment = planned(users=(8,))
    assert throughput_chart(analyse(experiment, sweep(experiment), cores=2), ROUTE) is not None


def test_throughput_chart_of_failures_alone_is_none() -> None:
    experiment = planned(users=(1,))
    failed = [msgspec.structs.replace(one, latencies_us=[], error_latencies_us=[5]) for one in sweep(experiment)]
    assert throughput_chart(analyse(experiment, failed), ROUTE) is None


def test_bounds_stay_within_the_axis_and_coincide_once() -> None:
    experiment = planned(settings=Matrix(thread_count=(1, 4, 16)), users=(1, 4, 16, 64))
    analysis = analyse(experiment, sweep(experiment, cpu=0.02, wait=0), cores=2)
    vertical = axis("X", [20.0, 50.0], labels="")
    found = bounds(analysis, ROUTE, analysis.measurements, vertical)
    assert len(found) == 1  # one CPU bound, whatever the threads
    assert found[0][-1].value == pytest.approx(50)
    assert all(vertical.low <= point.value <= vertical.high for point in found[0])


def test_axis_spans_a_decade_and_inverts() -> None:
    vertical = axis("X", [100.0, 101.0], labels="")
    assert vertical.high / vertical.low == pytest.approx(10)
    assert vertical.low < 100 < 101 < vertical.high
    assert vertical.at_height(vertical.height_of(100, 270), 270) == pytest.approx(100)
    assert len(vertical.ticks) >= 3


@settings(deadline=None)  # a deadline would measure the machine's noise
@given(st.lists(st.floats(0, 270), min_size=1, max_size=15).map(sorted))
def test_apart_keeps_the_label_gap_and_the_plot(places: list[float]) -> None:
    moved = apart(places, 270)
    assert all(later - earlier >= LABEL_GAP - 1e-9 for earlier, later in pairwise(moved))
    assert max(moved) <= 270


@pytest.mark.parametrize("percent", range(0, 101, 4))
def test_heat_map_text_can_be_read_on_every_colour(percent: int) -> None:
    background, text = (tuple(bytes.fromhex(color[1:])) for color in colors(percent / 100))
    assert contrast(background, text) >= 4.5  # WCAG AA


def test_heat_map_marks_the_recommended_and_what_is_missing() -> None:
    experiment = planned(settings=Matrix(thread_count=(1, 16), process_count=(1, 2)))
    steps = [one for one in sweep(experiment) if str(one.setting) != "T=1 P=2"]
    analysis = analyse(experiment, steps, cores=2)
    drawn = heat_map(analysis, ROUTE, analysis.recommendations[0], whole=True)
    assert drawn is not None
    assert drawn.count("recommended") == 1
    assert drawn.count("not measured") == 1
    assert heat_map(analyse(experiment, [step()]), ROUTE, None, whole=True) is None
