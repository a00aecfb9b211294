import msgspec
import pytest

from functune.analysis.trust import trust_of
from functune.experiments.model import Experiment, Load, Matrix, Workload
from functune.run.measurement import Calibration, LoadProcess, Measurement
from functune.setting import Setting
from tests.analysis.simulated import arrivals, findings, planned, step, sweep

CALIBRATIONS = [
    Calibration(at=1_760_000_000.0, users=64, throughput=9_800.0, latency_p50_us=6_100.0, generator_cpu=0.99),
    Calibration(at=1_760_000_900.0, users=64, throughput=9_450.0, latency_p50_us=6_300.0, generator_cpu=0.99),
]


def repeated() -> tuple[Experiment, list[Measurement]]:
    """Three repeats of twelve steps, the first repeat of one of them void, and arrivals at two shares."""
    experiment = Experiment(
        name="waits",
        question="?",
        workload=Workload(routes=("/api/sync/sleep?ms=100",)),
        settings=Matrix(thread_count=(1, 4, 16, 64)),
        load=Load(users=(1, 16, 64), warm_up=1, measure=3, repeats=3, seed=7, arrivals=(0.5, 0.9)),
    )
    measured = [msgspec.structs.replace(one, repeat=repeat) for repeat in range(3) for one in sweep(experiment)]
    measured[3] = msgspec.structs.replace(measured[3], generator_cpu=0.97)
    setting = Setting(thread_count=16)
    opened = [
        arrivals(160 * share, share=share, setting=setting, experiment="waits") for share in experiment.load.arrivals
    ]
    return experiment, [*measured, *opened]


def test_trust_counts_what_is_measured_and_what_is_void() -> None:
    experiment, measured = repeated()
    found = trust_of([findings(experiment, measured)], CALIBRATIONS)
    assert found.steps == 12 + 2
    assert found.repeats == (2, 3)  # one repeat is void
    assert [each.reason[:38] for each in found.void] == ["the load generator used 0.97 of the on"]
    assert found.seeds == {"waits": 7}
    assert found.warm_up == (1.0, 1.0)


def test_headroom_is_the_worse_calibration_over_the_fastest_step() -> None:
    experiment, measured = repeated()
    found = trust_of([findings(experiment, measured)], CALIBRATIONS)
    assert found.fastest is not None
    assert found.headroom == pytest.approx(9_450 / found.fastest.value)
    assert found.enough_headroom
    slow = [msgspec.structs.replace(each, throughput=each.throughput / 4) for each in CALIBRATIONS]
    assert not trust_of([findings(experiment, measured)], slow).enough_headroom
    assert trust_of([findings(experiment, measured)], []).headroom is None


def test_a_run_that_is_not_over_has_one_calibration() -> None:
    experiment, measured = repeated()
    [first, _] = CALIBRATIONS
    found = trust_of([findings(experiment, measured[:10])], [first])
    assert isinstance(found.calibration_before, Calibration)
    assert found.calibration_after is None


def test_drift_of_the_defaults_is_seen_and_steadiness_too() -> None:
    experiment = planned(users=(64,))

    def control(change: float) -> float:
        steps = [
            msgspec.structs.replace(
                one := step(setting=Setting(), users=64, repeat=each, noise=0.004),
                started_at=1000.0 + each * 60,
                duration=one.duration * (1 + change * each / 7),
            )
            for each in range(8)
        ]
        [drift] = trust_of([findings(experiment, steps)]).drift.values()
        assert drift.matters == (change != 0)
        return drift.change

    assert control(0.0) == pytest.approx(0, abs=0.02)
    assert control(0.3) == pytest.approx(1 / 1.3 - 1, abs=0.03)


def test_backlog_counts_what_was_not_answered_and_how_late_it_was_sent() -> None:
    experiment = planned(users=(1,))
    late = msgspec.structs.replace(arrivals(100.0), arrivals=2000, send_delays_us=[5_000] * 500)
    found = trust_of([findings(experiment, [*sweep(experiment), late])]).backlog
    assert found is not None
    assert found.intended == 2000
    assert found.missing == 2000 - len(late.latencies_us)
    assert found.late_p99 is not None
    assert found.late_p99.value == pytest.approx(0.005)
    assert "100 arrivals/s" in found.late_p99.at


def test_trust_of_nothing_is_unknown_and_not_sound() -> None:
    found = trust_of([findings(planned(), [])])
    assert (found.steps, found.littles_law_off, found.generator_cpu_cores, found.headroom) == (0, None, None, None)


@pytest.mark.parametrize(("duration", "broken", "unchecked"), [(1.5, 0, 1), (60.0, 1, 0)])
def test_residual_of_a_short_window_is_no_fault_of_the_instrument(duration: float, broken: int, unchecked: int) -> None:
    experiment = planned(settings=Matrix(thread_count=(16,)), users=(16,))
    sound = step(setting=Setting(thread_count=16), users=16, cpu=0.02, wait=0.0, duration=duration)
    off = msgspec.structs.replace(sound, concurrency=sound.concurrency * 1.06)
    found = trust_of([findings(experiment, [off])])
    assert (len(found.littles_law_broken), found.littles_law_unchecked) == (broken, unchecked)
    assert (found.littles_law_off is None) == bool(unchecked)


def test_clocks_of_several_load_processes_are_part_of_the_trust() -> None:
    """The worst of all: one is 40 ms off, and known to within 9 ms, which is 0.3 % of a window of 3 s."""
    experiment, measured = repeated()
    assert trust_of([findings(experiment, measured)]).clock_share is None

    def known(offset: float, bound: float) -> LoadProcess:
        return LoadProcess(
            number=1, pid=1, is_here=False, users=1, cores=0.4, clock_offset_us=offset, clock_bound_us=bound
        )

    measured = [msgspec.structs.replace(one, load_processes=(known(-200.0, 100.0),) * 2) for one in measured]
    measured[5] = msgspec.structs.replace(measured[5], load_processes=(known(-40_000.0, 9_000.0), known(100.0, 100.0)))
    found = trust_of([findings(experiment, measured)])
    assert found.load_processes == 2
    assert found.clock_offset is not None
    assert found.clock_offset.value == pytest.approx(0.04)
    assert found.clock_share is not None
    assert found.clock_share.value == pytest.approx(0.009 / 3.0, rel=0.01)
    assert found.generator_cpu_cores is not None
    assert found.generator_cpu_cores.value == pytest.approx(0.4)
