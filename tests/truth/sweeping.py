"""Sweeps of the apps of known limits, on the local host with real load, and what they find."""

from collections.abc import Sequence
from pathlib import Path

from functune.analysis.numbers.hot_lines import profiled_subjects
from functune.analysis.verdict.limit import Limit
from functune.experiments.model import Experiment
from functune.hosts.registry import host_kind
from functune.report.document import find_all
from functune.run.environment import collect_environment
from functune.run.folder import RunFolder
from functune.sweep.profile import profile_run, profile_targets
from functune.sweep.run import measure_run
from functune.sweep.trials import Grid
from tests.truth.known import APPS

PARTNER = Path(__file__).parent / "partner.py"


async def limits_of(app: str, experiments: Sequence[Experiment], out: Path, *, python: str | None) -> dict[str, Limit]:
    """The limit of each route of the experiments, after a sweep and a profile of the app."""
    kind = host_kind("local", key=None, route="/", python=python)
    here = collect_environment(script_root=APPS / app, host=kind.name, host_kind="local", command=[])
    folder = RunFolder.create(out, experiments, here)
    end = await measure_run(
        folder, app=APPS / app, kind=kind, planner=Grid(), on_progress=lambda _: None, calibrated=False
    )
    assert end.failures == 0, (folder.path / "failures.jsonl").read_text()
    profile = await profile_run(
        folder, profile_targets(find_all(folder)), app=APPS / app, kind=kind, on_note=lambda _: None
    )
    assert profile.notes == ()
    found = find_all(folder, profiled_subjects(profile))
    return {route: limit for each in found for route, limit in each.limits.items()}
