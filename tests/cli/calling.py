"""Calls of ``functune``: inside this process, and as a process of its own."""

import os
import subprocess
import sys

from click.testing import CliRunner, Result

from functune.cli import main


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
        timeout=120,
        check=False,
    )
