"""``functune sweep`` and the profile that it makes after the search."""

from pathlib import Path

from functune.run.folder import RunFolder
from functune.run.profile import SPEEDSCOPE
from tests.cli.apps import write_app
from tests.cli.calling import functune


def test_sweep_profiles_each_route_after_the_search(tmp_path: Path) -> None:
    asked = tmp_path / "asked.toml"
    asked.write_text(
        """
        name = "test"
        question = "Where does it wait?"
        workload.routes = ["/api/waiting"]
        settings.thread_count = [4]
        load = { users = [4], warm_up = 0.2, measure = 1 }
        """
    )
    done = functune(
        "sweep", asked, "--script-root", write_app(tmp_path / "app"), "--out", tmp_path / "run", "--no-calibration"
    )
    assert done.returncode == 0, done.stderr
    assert "Profiling /api/waiting with 4 threads in 1 process" in done.stdout
    run = RunFolder.open(tmp_path / "run")
    assert [step.users for step in run.profile().steps] == [1, 4]
    assert run.profile().steps[1].lines[0].file == "function_app.py"
    assert run.profile().steps[1].lines[0].waits_in == "time.sleep"
    assert len(run.measurements()) == 1  # the profile counts as none
    assert run.calibrations() == []
    assert (run.path / SPEEDSCOPE).exists()
    assert "At 4 users, a call of /api/waiting " in (run.path / "summary.md").read_text()
