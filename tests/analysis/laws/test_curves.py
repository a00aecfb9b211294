import msgspec
import pytest

from functune.analysis.laws.curves import laws_of
from functune.analysis.numbers.levels import levels_of
from functune.setting import Setting
from tests.analysis.simulated import step

LEVELS = (1, 2, 4, 8, 16, 32)


def test_curves_fit_what_bends_smoothly_and_refuse_a_full_pool() -> None:
    measured = [
        step(setting=setting, users=users, contention=0.02, duration=20)
        for setting in (Setting(thread_count=4), Setting())
        for users in LEVELS
    ]
    found = {law.setting: law for law in laws_of(levels_of(measured), seed=1)}
    smooth, full = found[Setting()], found[Setting(thread_count=4)]
    assert smooth.fit is not None
    assert smooth.refused is None
    assert smooth.fit.curve.contention == pytest.approx(0.02, rel=0.1)
    assert full.fit is None
    assert full.refused


def test_curves_omit_levels_that_served_nothing() -> None:
    measured = [step(setting=Setting(), users=users, duration=20) for users in LEVELS]
    nothing = msgspec.structs.replace(measured[-1], latencies_us=[], error_latencies_us=[1000] * 9)
    [with_all] = laws_of(levels_of(measured), seed=1)
    [without_last] = laws_of(levels_of([*measured[:-1], nothing]), seed=1)
    assert with_all.fit is not None
    assert without_last.refused == "5 numbers of users measured: a curve needs 6 or more"
