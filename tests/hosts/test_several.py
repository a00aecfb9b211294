"""Settings that name their host."""

from pathlib import Path

import httpx
import pytest

from functune.errors import ExperimentError, UsageError
from functune.experiments.file import read_experiments
from functune.experiments.model import Matrix
from functune.experiments.planned import planned_settings
from functune.hosts.local import LOCAL_HOST
from functune.hosts.registry import kind_for_settings
from functune.hosts.served_app import ServedApp
from functune.setting import Setting
from tests.host.serving import APPS


def test_knobs_that_a_host_lacks_make_no_further_setting() -> None:
    matrix = Matrix(host=("gunicorn:sync", "uvicorn"), thread_count=(1, 16), process_count=(1, 2))
    settings = planned_settings(matrix)
    assert [str(each) for each in settings if each.host == "gunicorn:sync"] == [
        "T=unset P=1 gunicorn:sync",
        "T=unset P=2 gunicorn:sync",
    ]
    assert len([each for each in settings if each.host == "uvicorn"]) == 4
    assert settings[0].in_words == "1 process, threads unset, on gunicorn:sync"
    assert {each.host for each in planned_settings(Matrix())} == {None}


async def test_each_setting_runs_on_the_host_it_names() -> None:
    kind = kind_for_settings(LOCAL_HOST, ["gunicorn:gthread", "local"])
    servers = {}
    async with httpx.AsyncClient(trust_env=False, verify=False, timeout=30) as client:
        for host in (None, "local", "gunicorn:gthread"):
            setting = Setting(thread_count=2, host=host)
            kind.require_settable([setting], with_target=[])
            async with kind.running(ServedApp(APPS / "main"), setting=setting) as running:
                servers[host] = (await client.get(f"{running.base_url}/api/sync/sleep")).headers.get("server")
    assert servers == {None: None, "local": None, "gunicorn:gthread": "gunicorn"}
    assert kind_for_settings(LOCAL_HOST, []) is LOCAL_HOST


def test_host_of_an_experiment_is_checked_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="host 'hypercorn' of an experiment: allowed are local, func, gunicorn"):
        kind_for_settings(LOCAL_HOST, ["hypercorn"])
    file = tmp_path / "x.toml"
    file.write_text(
        'name = "x"\nquestion = "?"\n[workload]\nroutes = ["/"]\n[settings]\nhost = ["http://x"]\n'
        "[load]\nusers = [1]\nwarm_up = 1\nmeasure = 1\n"
    )
    with pytest.raises(ExperimentError, match=r"host"):
        read_experiments(file)
