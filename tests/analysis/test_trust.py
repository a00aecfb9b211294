import msgspec
import pytest

from functune.analysis.trust import trust
from functune.analysis.verdict import analyse
from functune.measurements import Calibration, Setting
from tests.analysis.simulated import arrivals, planned, step, sweep
from tests.report.written import CALIBRATIONS, waits


def test_trust_counts_what_is_measured_and_what_is_void() -> None:
    experiment, measured = waits()
    found = trust([analyse(experiment, measured, cores=2)], CALIBRATIONS)
    assert found.steps == 72 + 8
    assert found.repeats == (4, 5)  # one repeat is void
    assert [each.step.generator_cpu for each in found.void] == [0.97]
    assert found.seeds == (("waits", 7),)
    assert found.warm_up == (1.0, 1.0)


def test_headroom_is_the_worse_calibration_over_the_fastest_step() -> None:
    experiment, measured = waits()
    found = trust([analyse(experiment, measured, cores=2)], CALIBRATIONS)
    assert found.fastest is not None
    assert found.headroom == pytest.approx(9_450 / found.fastest.value)
    assert found.enough_headroom
    slow = [msgspec.structs.replace(each, throughput=each.throughput / 4) for each in CALIBRATIONS]
    assert not trust([analyse(experiment, measured, cores=2)], slow).enough_headroom
    assert trust([analyse(experiment, measured, cores=2)], []).headroom is None


def test_a_run_that_is_not_over_has_one_calibration() -> None:
    experiment, measured = waits()
    [first, _] = CALIBRATIONS
    found = trust([analyse(experiment, measured[:10], cores=2)], [first])
    assert isinstance(found.before, Calibration)
    assert found.after is None


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
        [(_, drift)] = trust([analyse(experiment, steps, cores=2)]).drifts
        assert drift is not None
        assert drift.matters == (change != 0)
        return drift.change

    assert control(0.0) == pytest.approx(0, abs=0.02)
    assert control(0.3) == pytest.approx(1 / 1.3 - 1, abs=0.03)


def test_backlog_tells_what_was_not_answered_and_how_late_it_was_sent() -> None:
    experiment = planned(users=(1,))
    late = msgspec.structs.replace(arrivals(100.0), arrivals=2000, send_delays_us=[5_000] * 500)
    found = trust([analyse(experiment, [*sweep(experiment), late], cores=2)]).backlog
    assert found is not None
    assert found.intended == 2000
    assert found.missing == 2000 - len(late.latencies_us)
    assert found.late_p99 is not None
    assert found.late_p99.value == pytest.approx(0.005)
    assert "100 arrivals/s" in found.late_p99.at


def test_trust_of_nothing_is_unknown_and_not_sound() -> None:
    found = trust([analyse(planned(), [])])
    assert (found.steps, found.littles_law, found.generator_cpu, found.headroom) == (0, None, None, None)
