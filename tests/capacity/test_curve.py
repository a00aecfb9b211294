"""The curve of an instance, from measurements and on other cores."""

import msgspec
import numpy as np
import pytest

from functune.analysis.numbers.levels import levels_of
from functune.capacity.curve import instance_curve
from functune.setting import Setting
from tests.analysis.simulated import step
from tests.capacity.apps import USERS, computing, waiting


def test_curve_is_that_of_the_levels() -> None:
    setting = Setting(thread_count=4)
    steps = [step(setting=setting, users=users, wait=0.1, cpu=0.002, jitter=0.2) for users in (8, 1, 4, 16)]
    few_at_a_time = 0.05  # relative: some thirty requests of a lone user differ by a fifth
    found = instance_curve(levels_of(steps), steps)
    assert found is not None
    assert found.in_flight.tolist() == [1, 4, 8, 16]
    assert found.seconds == pytest.approx([0.102, 0.102, 0.204, 0.408], rel=few_at_a_time)
    assert found.cpu == pytest.approx(0.002, rel=0.05)
    assert found.sizes.mean() == pytest.approx(1)
    assert (found.sizes[0], found.sizes[-1]) == pytest.approx((0.8, 1.2), abs=few_at_a_time)


def test_without_a_step_that_worked_there_is_no_curve() -> None:
    assert instance_curve(levels_of([step(errors=900)]), []) is None


def test_steps_that_several_instances_served_are_in_no_curve_of_one() -> None:
    """Four users on two instances are two on each, whose latency says nothing of four on one."""
    setting = Setting(thread_count=1)
    alone = [step(setting=setting, users=users) for users in (1, 2)]
    shared = msgspec.structs.replace(step(setting=setting, users=4), instance_requests={"a": 20, "b": 20})
    found = instance_curve(levels_of([*alone, shared]), [*alone, shared])
    assert found is not None
    assert found.in_flight.tolist() == [1, 2]
    assert instance_curve(levels_of([shared]), [shared]) is None


def test_response_lies_between_what_was_measured_and_throughput_stays_beyond_it() -> None:
    curve = waiting(places=16)
    assert float(curve.response(12)) == pytest.approx(0.1)
    assert float(curve.response(48)) == pytest.approx(0.3)
    assert 640 / float(curve.response(640)) == pytest.approx(64 / float(curve.response(64)))
    assert curve.capacity(1000) == pytest.approx(160)
    assert curve.best_count(1000) == 16
    assert curve.capacity(4) == pytest.approx(40)


def test_fraction_of_a_core_serves_that_fraction_of_computing() -> None:
    curve = computing(0.05)
    assert curve.on_cores(0.25).capacity(64) == pytest.approx(curve.capacity(64) / 4)
    assert float(curve.on_cores(0.25).response(1)) == pytest.approx(0.2)
    assert curve.on_cores(1).capacity(64) == pytest.approx(curve.capacity(64))


def test_more_cores_than_measured_are_not_believed_to_help() -> None:
    curve = computing(0.05)
    assert curve.on_cores(4).seconds == pytest.approx(curve.response(curve.on_cores(4).in_flight))


def test_curve_of_an_instance_is_scaled_from_the_cores_it_was_measured_on() -> None:
    """A request of 50 ms of computing took 200 ms on a quarter of a core: an eighth doubles that."""
    quarter = msgspec.structs.replace(computing(0.05), seconds=0.2 * USERS, cores=0.25)
    assert quarter.on_cores(0.25) is quarter
    assert quarter.on_cores(2) is quarter  # more cores are not believed to help
    assert float(quarter.on_cores(0.125).response(1)) == pytest.approx(0.4)
    two = msgspec.structs.replace(computing(0.05), cores=2.0)
    assert float(two.on_cores(0.25).response(1)) == pytest.approx(0.2)


def test_waiting_is_the_same_on_a_fraction_of_a_core_until_its_cpu_time_fills_it() -> None:
    curve = waiting(seconds=0.1, cpu=0.002).on_cores(0.25)
    assert float(curve.response(1)) == pytest.approx(0.1 + 0.002 * 3)
    assert float(curve.response(64)) == pytest.approx(64 * 0.002 / 0.25)
    assert curve.capacity(64) == pytest.approx(0.25 / 0.002)


def test_without_cpu_time_the_curve_is_taken_as_it_is() -> None:
    curve = waiting()
    unknown = type(curve)(in_flight=curve.in_flight, seconds=curve.seconds, cpu=None, sizes=curve.sizes)
    assert np.array_equal(unknown.on_cores(0.25).seconds, curve.seconds)
