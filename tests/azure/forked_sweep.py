"""
Sweeps of the app on the stand-in, each a process that is forked from one that has imported functune already.

A start would take longer than what happens in the process: this is for tests that start many.
"""

import contextlib
import multiprocessing
import os
import signal
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import NamedTuple

import azure.identity  # noqa: F401 - functune imports it for its first token; here that is before the fork

from tests.azure.fast_sweep import fast_sweep
from tests.host.serving import wait_until

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload([__name__])


class ForkedSweep(NamedTuple):
    """A sweep under way, in a session of its own, so that all it has started can be killed with it."""

    process: BaseProcess
    log: Path

    @classmethod
    def begin(cls, experiment: Path, out: Path, **environ: str) -> "ForkedSweep":
        """Start a sweep into a folder; what it says is in a file next to it."""
        log = out.with_suffix(".log")
        process = _FORKS.Process(target=_sweep, args=(experiment, out, log, environ), daemon=True)
        process.start()
        pid = process.pid
        assert pid is not None
        wait_until(lambda: os.getpgid(pid) == pid, "session of the sweep")
        return cls(process, log)

    def ended(self) -> None:
        """Wait until it has ended by itself, and well."""
        self.process.join(120)
        assert self.process.exitcode == 0, self.log.read_text()

    def killed(self) -> str:
        """SIGKILL to the sweep and what it has started, unless it has ended; what it said until then."""
        assert self.process.pid is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.join(30)
        assert self.process.exitcode is not None
        return self.log.read_text()


def _sweep(experiment: Path, out: Path, log: Path, environ: dict[str, str]) -> None:
    os.setsid()
    with log.open("wb", buffering=0) as file:
        for descriptor in (1, 2):
            os.dup2(file.fileno(), descriptor)
    os.environ.update(environ)
    fast_sweep(experiment, out, lambda event: print(event, flush=True))
