"""The estimate of a sweep on Azure, and the experiment that it measures."""

from pathlib import Path

import msgspec
import pytest

from functune.errors import UsageError
from functune.experiments.file import read_experiments
from functune.experiments.model import Experiment
from functune.experiments.planned import planned_settings
from functune.setting import Setting
from functune.sweep.live_estimate import LiveEstimate, estimate_live
from functune.sweep.live_experiment import on_live_app
from functune.sweep.trials import Grid
from tests.azure.live_sweep import write_experiment


def asked(folder: Path, **lists: str) -> Experiment:
    [found] = read_experiments(write_experiment(folder, **lists))
    return found


def estimated(experiment: Experiment, *, maximum: int = 100, latency: float = 0.1) -> LiveEstimate:
    return estimate_live(
        Grid().next_trials(experiment, [], []),
        seconds=lambda _: 0.0,
        memory=lambda _: 2048,
        maximum_instances=maximum,
        latency=latency,
    )


def test_concurrency_of_one_is_the_example_of_the_cost_page(tmp_path: Path) -> None:
    """
    Microsoft's example: 40 requests a second of which 10 run at a time on 2 GB cost 1.872 an hour on 10 instances, and
    0.0576 for the executions; all on one instance 0.1872.
    """
    load = msgspec.structs.replace(asked(tmp_path).load, users=(10,), warm_up=60, measure=540, repeats=6)
    hour = [
        estimated(
            msgspec.structs.replace(asked(tmp_path, concurrency=f"[{concurrency}]", users="[10]"), load=load),
            latency=0.25,
        )
        for concurrency in (1, 10)
    ]
    assert [each.most_instances for each in hour] == [10, 1]
    assert [round(each.cost, 3) for each in hour] == [1.93, 0.245]


def test_instances_are_limited_by_the_site(tmp_path: Path) -> None:
    experiment = asked(tmp_path, concurrency="[1]", users="[40]")
    assert estimated(experiment, maximum=7).most_instances == 7
    assert estimated(experiment, maximum=7).gb_seconds == pytest.approx(7 * 2 * 1.2)


def test_restarts_are_in_the_time_and_in_the_cost(tmp_path: Path) -> None:
    experiment = asked(tmp_path, concurrency="[2, 4]")
    with_restarts = estimate_live(
        Grid().next_trials(experiment, [], []),
        seconds=lambda _: 50.0,
        memory=lambda _: 512,
        maximum_instances=100,
        latency=0.1,
    )
    without = estimated(experiment)
    assert with_restarts.seconds == pytest.approx(without.seconds + 100)
    assert with_restarts.gb_seconds == pytest.approx(without.gb_seconds / 4 + 100 * 0.5)


def test_unlisted_knobs_take_the_present_values_and_the_verdict_compares_with_them(tmp_path: Path) -> None:
    present = Setting(thread_count=6, per_instance_concurrency=16)
    changed = on_live_app(asked(tmp_path, concurrency="[2, 4]", threads='["unset"]'), present)
    assert changed.settings.thread_count == (6,)
    assert changed.settings.per_instance_concurrency == (2, 4)
    assert changed.compared_with == present


def test_experiment_of_the_page_can_be_read(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "azure-live.md").read_text()
    (tmp_path / "sizes.toml").write_text(page.partition("```toml\n")[2].partition("```")[0])
    [found] = read_experiments(tmp_path / "sizes.toml")
    assert {str(each.instance) for each in planned_settings(found.settings)} == {"flex-512", "flex-2048"}


def test_hosts_of_an_experiment_are_refused(tmp_path: Path) -> None:
    experiment = asked(tmp_path)
    settings = msgspec.structs.replace(experiment.settings, host=("local",))
    with pytest.raises(UsageError, match="on Azure there is one host"):
        on_live_app(msgspec.structs.replace(experiment, settings=settings), Setting())
