import msgspec
import pytest

from functune.analysis.host_comparison import beside
from functune.analysis.verdict import analyse
from functune.experiments import Matrix
from functune.measurements import Setting
from tests.analysis.simulated import planned, step, sweep


def test_beside_matches_route_and_users_with_the_recommended_setting() -> None:
    experiment = planned(settings=Matrix(thread_count=(1, 16)), users=(1, 16, 64))
    analysis = analyse(experiment, sweep(experiment), cores=2)
    faster = [
        msgspec.structs.replace(step(setting=Setting(thread_count=32), users=users), experiment="elsewhere")
        for users in (16, 64, 128)
    ]
    found = beside(analysis, [*faster, step(setting=Setting(thread_count=2), users=64)])
    assert [each.users for each in found] == [16, 64]  # 128 users were measured there only
    assert {each.ours.setting for each in found} == {Setting(thread_count=16)}
    assert {each.theirs.setting for each in found} == {Setting(thread_count=32)}
    assert found[1].ratio == pytest.approx(2, rel=0.01)


def test_beside_has_nothing_of_other_routes() -> None:
    experiment = planned(settings=Matrix(thread_count=(1, 16)))
    analysis = analyse(experiment, sweep(experiment), cores=2)
    assert beside(analysis, [step(route="/other", users=64)]) == ()
