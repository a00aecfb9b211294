"""
A host for sweeps that costs little: tests/load/stand_in.py in place of functune serve.

As a program, ``python -m tests.sweep.stand_in_host FOLDER [resume]``, it runs the sweep of FOLDER/asked.toml into
FOLDER/run, to be killed at any moment.
"""

import asyncio
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from functune.errors import WorkerStartError
from functune.experiments.file import read_experiments
from functune.hosts.served_app import ServedApp
from functune.run.environment import collect_environment
from functune.run.folder import RunFolder
from functune.setting import Setting
from functune.sweep.run import measure_run
from functune.sweep.trials import Grid
from tests.load.loads import free_port

HOST_SECONDS = 1.2
STAND_IN = Path(__file__).parents[1] / "load" / "stand_in.py"


class StandInKind:
    """Starts stand-ins."""

    name = "stand-in"
    runs_script_root = True

    def require_settable(self, settings: Collection[Setting], *, with_target: Collection[str]) -> None:
        """Take every setting."""

    def seconds(self, setting: Setting) -> float:
        return HOST_SECONDS

    def running(self, app: ServedApp, *, setting: Setting, app_settings: Mapping[str, str] = {}) -> "StandInHost":
        return StandInHost(setting.threads)


class StandInHost:
    """One stand-in. A thread count of 99 is one it cannot start with."""

    key = None
    setting_seen = None
    quota = None
    calls_folder = None

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self.base_url = ""
        self.pid: int | None = None

    async def __aenter__(self) -> Self:
        if self.threads == 99:
            raise WorkerStartError("worker 1 sent no ready message")
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, STAND_IN, str(self.threads), str(free_port())), stdout=asyncio.subprocess.PIPE
        )
        assert self.process.stdout is not None
        self.pid = self.process.pid
        self.base_url = f"http://127.0.0.1:{int(await self.process.stdout.readline())}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.returncode is None:  # a call of /die ends it too
            self.process.kill()
        await self.process.wait()

    def worker_ends(self, opened: float, closed: float) -> dict[str, int]:
        return {}

    def tail(self) -> str:
        return "the stand-in says nothing"

    async def routes(self) -> list[str]:
        return []


def main(folder: Path, *, resume: bool) -> None:
    """Run the sweep."""
    here = collect_environment(script_root=folder, host=StandInKind.name, host_kind="stand-in", command=sys.argv)
    if resume:
        run = RunFolder.open_to_resume(folder / "run")
        run.reopen(here)
    else:
        run = RunFolder.create(folder / "run", read_experiments(folder / "asked.toml"), here)
    asyncio.run(
        measure_run(
            run,
            app=ServedApp(folder),
            kind=StandInKind(),
            planner=Grid(),
            on_progress=lambda event: print(type(event).__name__, flush=True),
            calibrated=False,
            checked=False,
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), resume=sys.argv[2:] == ["resume"])
