import re
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functune.analysis.experiment import ExperimentFindings, SubjectFindings, analyse
from functune.experiments.model import Experiment, Matrix
from functune.formatting import duration
from functune.plans.registry import SCOPES
from functune.report.charts.arrivals import arrivals_drawing, arrivals_figure
from functune.report.charts.axes import log_axis
from functune.report.charts.drawing import Drawing, draw, slim
from functune.report.charts.figure import ChartInput
from functune.report.charts.heat_map import cell_colors, contrast_ratio, heat_map_figure
from functune.report.charts.labels import LABEL_GAP, moved_apart
from functune.report.charts.latency import latency_drawing
from functune.report.charts.looks import looks
from functune.report.charts.pareto import ParetoAxes, pareto_drawing, setting_names
from functune.report.charts.repeats import repeats_drawing
from functune.report.charts.throughput import bound_guides, throughput_drawing
from functune.report.charts.time_split import time_drawing
from functune.run.measurement import Measurement
from functune.setting import Setting
from tests.analysis.simulated import findings as simulated_findings
from tests.analysis.simulated import planned, step, sweep
from tests.report.written import FAILURES, waits

type Found = tuple[ExperimentFindings, SubjectFindings]
"""The findings of an experiment and of its only subject."""


def found(experiment: Experiment, measured: list[Measurement]) -> Found:
    """The findings of an experiment that has one subject."""
    findings = simulated_findings(experiment, measured)
    [subject] = findings.subjects
    return findings, subject


def html_of(drawing: Drawing | None) -> str:
    """Both sizes of a drawing as the page shows them."""
    assert drawing is not None
    [html] = draw([drawing])
    return html


def heat_map(findings: ExperimentFindings, subject: SubjectFindings) -> str | None:
    """The heat map of a subject as the page shows it."""
    figure = heat_map_figure(ChartInput(findings=findings, subject=subject, currency="USD"))
    return None if figure is None else figure.after


@pytest.fixture(scope="module")
def full() -> Found:
    return found(*waits())


def test_throughput_chart_draws_every_point_and_says_it() -> None:
    experiment = planned(settings=Matrix(thread_count=(1, 16)))
    _, subject = found(experiment, sweep(experiment))
    drawn = html_of(throughput_drawing(subject, cores=2))
    assert len(re.findall(r'data-tip="[^"]+ · [^"]+"', drawn)) == 2 * 3 * 2  # both sizes
    assert drawn.count('role="img"') == 2
    assert "16 threads: 160 requests/s · 64 users · 16 threads in 1 process" in drawn


def test_throughput_chart_draws_a_curve_with_its_interval_where_the_law_fits(
    full: Found,
) -> None:
    _, subject = full
    with_law = html_of(throughput_drawing(subject, cores=2))
    without = html_of(throughput_drawing(msgspec.structs.replace(subject, laws=()), cores=2))
    assert 'opacity="0.18"' in with_law
    assert 'opacity="0.18"' not in without


def test_latency_drawing_leaves_out_what_has_too_few_requests() -> None:
    experiment = planned(settings=Matrix(thread_count=(1,)))
    _, subject = found(experiment, sweep(experiment))
    assert latency_drawing(subject, experiment) is None


def test_latency_drawings_draw_the_objective(full: Found) -> None:
    findings, subject = full
    experiment = findings.experiment
    for make in (latency_drawing, arrivals_drawing):
        drawn = html_of(make(subject, experiment))
        without = html_of(make(subject, msgspec.structs.replace(experiment, objective="")))
        assert drawn.count("p95 &lt; 300 ms") == 2
        assert "p95 &lt; 300 ms" not in without


def test_arrivals_drawing_shows_three_percentiles_of_each_setting(full: Found) -> None:
    findings, subject = full
    drawn = html_of(arrivals_drawing(subject, findings.experiment))
    assert drawn.count("data-tip") == 2 * 2 * 3 * 4  # sizes, settings, percentiles, rates
    assert "arrivals/s" in drawn


def test_chart_of_one_level_is_drawn() -> None:
    experiment = planned(users=(8,))
    _, subject = found(experiment, sweep(experiment))
    assert throughput_drawing(subject, cores=2) is not None


def test_charts_of_failures_alone_are_none() -> None:
    experiment = planned(users=(1,))
    failed = [msgspec.structs.replace(one, latencies_us=[], error_latencies_us=[5]) for one in sweep(experiment)]
    _, subject = found(experiment, failed)
    assert throughput_drawing(subject, cores=2) is None
    assert pareto_drawing(subject, currency="USD") is None
    assert repeats_drawing(subject) is None
    assert time_drawing(subject.splits) is None


def test_bounds_stay_within_the_axis_and_coincide_once() -> None:
    experiment = planned(settings=Matrix(thread_count=(1, 4, 16)), users=(1, 4, 16, 64))
    _, subject = found(experiment, sweep(experiment, cpu=0.02, wait=0))
    vertical = log_axis("X", [20.0, 50.0], tick_labels="")
    assert subject.demand is not None
    one_core = msgspec.structs.replace(subject.demand, serial=True)
    limits = bound_guides(subject.levels, one_core, (1, 4, 16, 64), vertical, 2)
    assert len(limits) == 1  # one CPU bound, whatever the threads
    assert limits[0].points[-1].value == pytest.approx(50)
    assert all(vertical.low <= point.value <= vertical.high for point in limits[0].points)


def test_bounds_turn_where_the_threads_are_full() -> None:
    experiment = planned(settings=Matrix(thread_count=(16,)), users=(1, 16, 64))
    _, subject = found(experiment, sweep(experiment))
    vertical = log_axis("X", [1.0, 1000.0], tick_labels="")
    assert subject.demand is not None
    [limit] = bound_guides(subject.levels, subject.demand, (1, 64), vertical, 2)
    assert [point.x for point in limit.points] == pytest.approx([1, 16, 64])
    assert limit.points[1].value == limit.points[2].value == pytest.approx(16 / 0.1003)


def test_pareto_chart_has_a_point_for_each_priced_step_and_names_the_front(
    full: Found,
) -> None:
    _, subject = full
    drawn = html_of(pareto_drawing(subject, currency="USD"))
    assert drawn.count("data-tip") == 2 * sum(
        one.figures.p95 is not None for one in subject.levels if one.figures.worked
    )
    assert "recommended" in drawn
    front = drawn.partition("On the Pareto front: ")[2]
    assert all(f"· {one.setting.in_words}" in front for one in subject.front_levels)


def test_pareto_chart_of_a_single_point_is_none() -> None:
    experiment = planned(settings=Matrix(thread_count=(16,)), users=(64,))
    _, subject = found(experiment, sweep(experiment))
    assert len(subject.levels) == 1
    assert pareto_drawing(subject, currency="USD") is None


def test_repeat_chart_has_a_dot_for_every_repeat(full: Found) -> None:
    _, subject = full
    drawn = html_of(repeats_drawing(subject))
    assert drawn.count("data-tip") == 2 * sum(len(level.repeats) for level in subject.levels)


def test_names_of_settings_keep_the_label_gap(full: Found) -> None:
    _, subject = full
    one = subject.standings[0]
    assert one.p95 is not None
    above = [msgspec.structs.replace(one.p95, value=one.p95.value * factor) for factor in (1, 1.02, 1.04)]
    close = tuple(msgspec.structs.replace(one, p95=p95) for p95 in above)
    axes = ParetoAxes(cost=log_axis("", [0.1, 10], tick_labels=""), p95=log_axis("", [0.01, 10], tick_labels=""))
    names = setting_names(msgspec.structs.replace(subject, standings=close), axes, 250)
    places = [axes.p95.distance_of(float(str(name["value"])), 250) + float(str(name["rise"])) for name in names]
    assert all(earlier - later >= LABEL_GAP - 1e-9 for earlier, later in pairwise(places))


def test_time_chart_says_every_part(full: Found) -> None:
    _, subject = full
    drawn = html_of(time_drawing(subject.splits))
    assert drawn.count("data-tip") == 2 * 3 * len(subject.splits)
    assert "waiting for a thread or the event loop" in drawn


def test_slim_keeps_what_is_drawn_and_what_is_said() -> None:
    drawn = slim(
        '<path aria-label="a · b" role="graphics-symbol" transform="translate(1.2345,6)" d="M0,0" opacity="1"/>'
    )
    assert drawn == '<path data-tip="a · b" transform="translate(1.2,6)" d="M0,0"/>'
    assert slim('<path d="M3.87,0A3.87,3.87,0,1,1,-3.87,0A3.87,3.87,0,1,1,3.87,0" fill="x"/>') == (
        '<circle r="3.8" fill="x"/>'
    )


def test_axis_spans_a_decade_and_inverts() -> None:
    vertical = log_axis("X", [100.0, 101.0], tick_labels="")
    assert vertical.high / vertical.low == pytest.approx(10)
    assert vertical.low < 100 < 101 < vertical.high
    assert vertical.value_at(vertical.distance_of(100, 270), 270) == pytest.approx(100)
    assert len(vertical.ticks) >= 3


@given(st.lists(st.floats(0, 270), min_size=1, max_size=15).map(sorted))
def test_labels_moved_apart_keep_the_label_gap_and_the_plot(places: list[float]) -> None:
    moved = moved_apart(places, 270)
    assert all(later - earlier >= LABEL_GAP - 1e-9 for earlier, later in pairwise(moved))
    assert max(moved) <= 270


def test_looks_distinguish_every_setting() -> None:
    varied = [
        Setting(thread_count=count, process_count=processes, per_instance_concurrency=admitted)
        for count in (1, 16, None)
        for processes in (1, 2)
        for admitted in (None, 4)
    ]
    found = looks(varied)
    assert len({look.label for look in found.values()}) == len(varied)
    assert len({(look.color, look.shape) for look in found.values()}) == len(varied)
    further = looks([Setting(), Setting(app_settings=(("SWITCH_INTERVAL_MS", "0.5"),))])
    assert [look.label for look in further.values()] == ["defaults", "SWITCH_INTERVAL_MS=0.5"]


@pytest.mark.parametrize("percent", range(0, 101, 4))
def test_heat_map_text_can_be_read_on_every_colour(percent: int) -> None:
    background, text = (tuple(bytes.fromhex(color[1:])) for color in cell_colors(percent / 100))
    assert contrast_ratio(background, text) >= 4.5  # WCAG AA


def test_heat_map_marks_the_recommended_and_what_is_missing() -> None:
    experiment = planned(settings=Matrix(thread_count=(1, 16), process_count=(1, 2)))
    steps = [one for one in sweep(experiment) if str(one.setting) != "T=1 P=2"]
    grid = msgspec.structs.replace(experiment, load=msgspec.structs.replace(experiment.load, search="grid"))
    drawn = heat_map(*found(grid, steps))
    assert drawn is not None
    assert drawn.count("recommended") == 1
    assert drawn.count("not measured") == 1
    assert heat_map(*found(planned(settings=Matrix()), [step()])) is None


def test_heat_map_says_what_failed_and_what_the_search_skipped() -> None:
    experiment, measured = waits()
    few = [one for one in measured if one.setting.thread_count != 1 or one.setting.process_count != 2]
    [failure] = FAILURES
    failed = msgspec.structs.replace(failure, cause="no memory\nlast lines")
    findings = analyse(experiment, few, cores=2, scopes=SCOPES, failures=[failed])
    drawn = heat_map(findings, findings.subjects[0])
    assert drawn is not None
    assert "✗ failed" in drawn
    assert "64 threads in 2 processes failed</b>: no memory</li>" in drawn
    assert ">skipped<" in drawn
    assert "1 thread in 2 processes skipped by the search</b>: cannot exceed 19.9 requests/s" in drawn


def test_heat_map_has_a_row_for_whatever_varies() -> None:
    experiment = planned(
        settings=Matrix(
            thread_count=(1, 16),
            per_instance_concurrency=("unset", 4),
            app_settings=({}, {"SWITCH_INTERVAL_MS": "0.5"}),
        )
    )
    drawn = heat_map(*found(experiment, sweep(experiment)))
    assert drawn is not None
    assert re.findall(r'scope="row">([^<]*)<', drawn) == [
        "no other app setting, any number at a time",
        "no other app setting, 4 at a time",
        "SWITCH_INTERVAL_MS=0.5, any number at a time",
        "SWITCH_INTERVAL_MS=0.5, 4 at a time",
    ]


def test_arrivals_are_compared_with_queueing_theory(full: Found) -> None:
    findings, subject = full
    last = subject.predictions[-1]
    figure = arrivals_figure(ChartInput(findings=findings, subject=subject, currency="USD"))
    assert figure is not None
    assert f"queueing theory expects a mean of {duration(last.expected)}; the measured mean is" in figure.note
    assert last.expected == pytest.approx(last.measured, rel=0.25)
