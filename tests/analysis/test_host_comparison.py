import msgspec
import pytest

from functune.analysis.host_comparison import compare_hosts
from functune.experiments.model import Matrix
from functune.setting import Setting
from tests.analysis.simulated import findings, planned, step, sweep


def test_hosts_are_compared_by_subject_and_users_at_the_recommended_setting() -> None:
    experiment = planned(settings=Matrix(thread_count=(1, 16)), users=(1, 16, 64))
    ours = findings(experiment, sweep(experiment))
    faster = [
        msgspec.structs.replace(step(setting=Setting(thread_count=32), users=users), experiment="elsewhere")
        for users in (16, 64, 128)
    ]
    slower = [step(setting=Setting(thread_count=count), users=64) for count in (2, 4)]
    found = compare_hosts(ours, [slower[0], *faster, slower[1]])
    assert [each.users for each in found] == [16, 64]  # 128 users were measured there only
    assert {each.ours.setting for each in found} == {Setting(thread_count=16)}
    assert {each.theirs.setting for each in found} == {Setting(thread_count=32)}
    assert found[1].ratio == pytest.approx(2, rel=0.01)


def test_hosts_are_not_compared_by_other_routes() -> None:
    experiment = planned(settings=Matrix(thread_count=(1, 16)))
    ours = findings(experiment, sweep(experiment))
    assert compare_hosts(ours, [step(route="/other", users=64)]) == ()
