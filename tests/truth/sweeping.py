"""Sweeps of the apps of known limits, on the local host with real load, and what they find."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Container, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from functune.analysis.numbers.hot_lines import profiled_subjects
from functune.analysis.verdict.limit import Limit
from functune.experiments.model import Experiment
from functune.experiments.subject import Subject
from functune.hosts.registry import host_kind
from functune.hosts.served_app import ServedApp
from functune.report.document import find_all
from functune.run.environment import collect_environment
from functune.run.folder import RunFolder
from functune.sweep.profile import ProfileTarget, profile_run, profile_targets
from functune.sweep.run import measure_run
from functune.sweep.trials import Grid
from tests.truth.known import APPS, KnownLimit, known_limits

PARTNER = Path(__file__).parent / "partner.py"


class Found(NamedTuple):
    """What a sweep found about a route, and the truth."""

    known: KnownLimit
    limit: Limit

    @property
    def is_wrong(self) -> bool:
        """Whether another kind is named; an unknown limit is not wrong."""
        return self.limit.kind not in (self.known.kind, "unknown")

    @property
    def place(self) -> str | None:
        """The line that is named."""
        where = self.limit.where
        return None if where is None else f"{where.file}:{where.line}"

    def __str__(self) -> str:
        return f"{self.known.route}: {self.limit.kind} at {self.place}, {self.limit.reason or self.limit.evidence}"


@contextlib.contextmanager
def partner() -> Iterator[None]:
    """The partner's API, whose address the apps find in PARTNER_URL."""
    command = [sys.executable, str(PARTNER)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        os.environ["PARTNER_URL"] = f"http://127.0.0.1:{int(process.stdout.readline())}"
        try:
            yield
        finally:
            del os.environ["PARTNER_URL"]
            process.kill()


async def found_limits(app: str, experiments: Sequence[Experiment], out: Path) -> list[Found]:
    """The limit of each route of the experiments, after a sweep and a profile of the app."""
    known = known_limits(app)
    with_a_line = {each.route for each in known.values() if each.place is not None}
    folder = await swept(with_packages(app, out / "app"), experiments, out / "run", profiled=with_a_line)
    found = find_all(folder, profiled_subjects(folder.profile()))
    return [Found(known[route], limit) for each in found for route, limit in each.limits.items()]


async def swept(app: Path, experiments: Sequence[Experiment], out: Path, *, profiled: Container[str]) -> RunFolder:
    """
    The run folder of a sweep of every step, with the profile of some routes at their most crowded level.

    On a machine with ten programs for a core a window can pass without an answer. A limit is then named from the other
    steps or stays unknown, as in any sweep.
    """
    has_own_packages = (app / ".python_packages").exists()
    kind = host_kind("local", python=None if has_own_packages else sys.executable)
    here = collect_environment(script_root=app, host=kind.name, host_kind="local", command=[])
    folder = RunFolder.create(out, experiments, here)
    await measure_run(
        folder,
        app=ServedApp(app),
        kind=kind,
        planner=Grid(),
        on_progress=lambda _: None,
        calibrated=False,
        checked=False,
    )
    assert [each.cause for each in folder.failures() if "no request ended" not in each.cause] == []
    targets = [target for target in profile_targets(find_all(folder)) if target.subject.route in profiled]
    # The first target of a subject is its most crowded level, in whose lines its limit is looked for.
    crowded: dict[Subject, ProfileTarget] = {}
    for target in targets:
        crowded.setdefault(target.subject, target)
    profile = await profile_run(folder, crowded.values(), app=ServedApp(app), kind=kind, on_note=lambda _: None)
    assert profile.notes == ()
    return folder


def with_packages(app: str, copy: Path) -> Path:
    """
    The folder of an app whose requirements this environment has, or a copy with its packages from the index.

    Raises CalledProcessError where the index cannot be reached.
    """
    requirements = APPS / app / "requirements.txt"
    if "fastapi" not in requirements.read_text():
        return APPS / app
    shutil.copytree(APPS / app, copy)
    target = copy / ".python_packages" / "lib" / "site-packages"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(target), "-r", str(requirements)]
    subprocess.run(command, check=True, timeout=300)
    return copy
