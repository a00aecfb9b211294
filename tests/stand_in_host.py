"""
A host for sweeps that costs little: tests/load/stand_in.py in place of functune serve.

As a program, ``python -m tests.stand_in_host FOLDER [resume]``, it runs the sweep of FOLDER/asked.toml into FOLDER/run,
to be killed at any moment.
"""

import asyncio
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from functune import experiments
from functune.errors import WorkerStartError
from functune.setting import Setting
from functune.sweep import sweep

HOST_SECONDS = 1.2
STAND_IN = Path(__file__).parent / "load" / "stand_in.py"


class StandInKind:
    """Starts stand-ins."""

    name = "stand-in"
    runs_script_root = True

    def require_settable(self, settings: Collection[Setting], *, with_target: Collection[str]) -> None:
        """Take every setting."""

    def seconds(self, setting: Setting) -> float:
        return HOST_SECONDS

    def running(self, app: Path, *, setting: Setting, app_settings: Mapping[str, str] = {}) -> "StandInHost":
        return StandInHost(setting.threads)


class StandInHost:
    """One stand-in. A thread count of 99 is one it cannot start with."""

    key = None

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self.base_url = ""
        self.pid: int | None = None

    async def __aenter__(self) -> Self:
        if self.threads == 99:
            raise WorkerStartError("worker 1 sent no ready message")
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, STAND_IN, str(self.threads), stdout=asyncio.subprocess.PIPE
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

    def tail(self) -> str:
        return "the stand-in says nothing"

    async def routes(self) -> list[str]:
        return []


def main(folder: Path, *, resume: bool) -> None:
    """Run the sweep."""
    asyncio.run(
        sweep(
            experiments.load(folder / "asked.toml"),
            out=folder / "run",
            script_root=folder,
            on_progress=lambda event: print(type(event).__name__, flush=True),
            resume=resume,
            calibrated=False,
            host_kind=StandInKind(),
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), resume=sys.argv[2:] == ["resume"])
