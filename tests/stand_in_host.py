"""
A host for sweeps that costs little: tests/load/stand_in.py in place of functune serve.

As a program, ``python -m tests.stand_in_host FOLDER [resume]``, it runs the sweep of FOLDER/asked.toml into FOLDER/run,
to be killed at any moment.
"""

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from functune import experiments
from functune.errors import WorkerStartError
from functune.sweep import sweep

HOST_SECONDS = 1.2
STAND_IN = Path(__file__).parent / "load" / "stand_in.py"


class StandInHost:
    """Started like HostProcess. A thread count of 99 is one it cannot start with."""

    name = "stand-in"
    runs_script_root = True
    key = None

    def __init__(
        self,
        *,
        script_root: Path,
        thread_count: int | None,
        process_count: int,
        per_instance_concurrency: int | None,
        app_settings: Mapping[str, str],
    ) -> None:
        self.threads = thread_count or 1000
        self.base_url = ""
        self.pid: int | None = None

    @staticmethod
    def seconds(process_count: int) -> float:
        return HOST_SECONDS

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
            start_host=StandInHost,
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), resume=sys.argv[2:] == ["resume"])
