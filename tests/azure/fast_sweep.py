"""A sweep of the app on the stand-in without calibration and long waits."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

from functune.azure.pace import Pace
from functune.azure.site_id import parse_site_id
from functune.experiments.file import read_experiments
from functune.experiments.planned import planned_settings
from functune.hosts.azure import AzureKind
from functune.hosts.served_app import ServedApp
from functune.run.environment import collect_environment
from functune.run.folder import RunFolder
from functune.sweep.events import Event
from functune.sweep.run import measure_run
from functune.sweep.trials import Grid
from tests.azure.stand_in import SITE

PACE = Pace(retry=0.05, poll=0.05, look=0.05, restart=1.5, restart_limit=20.0)


def fast_sweep(experiment: Path, out: Path, on_progress: Callable[[Event], None]) -> None:
    """Run the sweep. Raises HostError where nothing could be measured."""
    asked = read_experiments(experiment)
    kind = AzureKind(parse_site_id(SITE), key=None, route="/api/wait", pace=PACE)
    kind.require_settable(planned_settings(asked[0].settings), with_target=())
    here = collect_environment(script_root=None, host=kind.name, host_kind=kind.name, command=sys.argv)
    asyncio.run(
        measure_run(
            RunFolder.create(out, asked, here),
            app=ServedApp(Path()),
            kind=kind,
            planner=Grid(),
            on_progress=on_progress,
            calibrated=False,
            checked=False,
        )
    )
