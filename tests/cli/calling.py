"""Calls of ``functune``: inside this process, and as a process of its own."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
from click.testing import CliRunner, Result

from functune.cli import main
from functune.run.folder import MEASUREMENTS
from functune.run.measuring import is_measured
from tests.host.serving import wait_until


def run(*arguments: str) -> Result:
    """One call in this process; an exception other than an exit is raised."""
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


def in_process(*arguments: object, **environ: str) -> subprocess.CompletedProcess[str]:
    """The outcome of a call as ``functune`` has it, from this process, which has imported functune already."""
    done = CliRunner().invoke(main, [*map(str, arguments)], env=environ, catch_exceptions=False)
    return subprocess.CompletedProcess(arguments, done.exit_code, done.stdout, done.stderr)


def command(*arguments: object) -> list[str]:
    """The command line of a call."""
    return [sys.executable, "-P", "-m", "functune.cli", *map(str, arguments)]


def functune(*arguments: object, **environ: str) -> subprocess.CompletedProcess[str]:
    """One call as a process, as typed."""
    return subprocess.run(
        command(*arguments),
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def imported(done: subprocess.CompletedProcess[str]) -> set[str]:
    """The modules that a process imported, which was called with PYTHONPROFILEIMPORTTIME."""
    return {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}


def interrupted_after_a_step(
    run: Path,
    *arguments: object,
    by: signal.Signals = signal.SIGINT,
    in_background: bool = False,
    **environ: str,
) -> subprocess.CompletedProcess[str]:
    """
    A call that measures into the folder ``run``, ended by a signal as soon as its first measurement is there.

    It leaves none of the processes that it started. A shell has its background jobs ignore SIGINT.
    """
    on_interrupt = signal.SIG_IGN if in_background else signal.SIG_DFL
    with subprocess.Popen(
        command(*arguments, "--out", run),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environ},
        preexec_fn=lambda: signal.signal(signal.SIGINT, on_interrupt),
    ) as process:
        try:
            measurements = run / MEASUREMENTS
            wait_until(
                lambda: measurements.exists() and measurements.read_bytes().endswith(b"\n"), "measurement", timeout=120
            )
            assert is_measured(run)
            children = psutil.Process(process.pid).children(recursive=True)
            process.send_signal(by)
            said, error = process.communicate(timeout=120)
        finally:
            process.kill()
    _, alive = psutil.wait_procs(children, timeout=30)
    assert alive == []
    assert not is_measured(run)
    return subprocess.CompletedProcess(arguments, process.returncode, said, error)
