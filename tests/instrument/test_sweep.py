"""A sweep of an instrumented app at a URL has the times of its handler."""

from pathlib import Path
from statistics import median

from functune.experiments.file import read_experiments
from functune.hosts.registry import host_kind
from functune.hosts.served_app import ServedApp
from functune.report.document import read_document
from functune.run.environment import collect_environment
from functune.run.folder import RunFolder
from functune.sweep.run import measure_run
from functune.sweep.trials import Grid
from tests.instrument.servers import UVICORN_PATIENCE, instrumented, served

EXPERIMENT = """
name = "test"
question = "Does it work?"
workload.routes = ["/awaiting", "/compute"]
settings = { thread_count = ["unset"], process_count = [1] }
load = { users = [2], warm_up = 0.3, measure = 3, search = "grid" }
"""


async def test_sweep_at_a_url_reads_the_times_of_an_instrumented_app(tmp_path: Path) -> None:
    """Handlers of 100 ms in one process: computing ones go one after the other, and hold the loop."""
    (tmp_path / "asked.toml").write_text(EXPERIMENT)
    folder = instrumented("asgi", tmp_path / "app", "app = functune_times.AsgiTimes(app)")
    with served(folder, "uvicorn", "service:app", "--port", "0", *UVICORN_PATIENCE) as url:
        here = collect_environment(script_root=folder, host=url, host_kind="url", command=["functune", "sweep"])
        run = RunFolder.create(tmp_path / "run", read_experiments(tmp_path / "asked.toml"), here)
        end = await measure_run(
            run,
            app=ServedApp(folder),
            kind=host_kind(url, route="/awaiting"),
            planner=Grid(),
            on_progress=lambda _: None,
            calibrated=False,
            checked=False,
        )
    assert end.failures == 0
    measurements = run.measurements()
    assert {(each.subject.route, each.users) for each in measurements} == {("/awaiting", 2), ("/compute", 2)}
    for each in measurements:
        assert each.errors == {}
        assert len(each.service_times_us) == len(each.cpu_times_us) == len(each.latencies_us)
        assert list(each.worker_threads.values()) == [1]
        assert each.wait_times_us == []
        assert 98_000 <= median(each.service_times_us) <= median(each.latencies_us)
        held = median(each.hold_times_us) / median(each.service_times_us)
        assert held > 0.9 if each.subject.route == "/compute" else held < 0.3
    assert read_document(run).experiments
