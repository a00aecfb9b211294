"""Installs packages into environments in the cache folder, with uv when it is on the PATH, otherwise with pip."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

from functune.environ import child_environ
from functune.errors import InstallError, UsageError
from functune.packages.interpreter import Interpreter
from functune.packages.requirements import REQUIREMENTS, content_digests
from functune.packages.virtual_environment import ReportProgress, VirtualEnvironment, cached_environment

_SHOWN_LINES = 15
"""The last lines of a failed installation that its error shows."""


def installed_environment(script_root: Path, interpreter: Interpreter, report: ReportProgress) -> VirtualEnvironment:
    """
    An environment with what requirements.txt of the app asks for; it is made when it is not there yet.

    The interpreter, its version and the content of the file, with the files it includes, decide which environment it
    is. Raises UsageError without the file, InstallError with the last lines of the installer.
    """
    file = script_root / REQUIREMENTS
    if not file.is_file():
        raise UsageError(
            f"--install: {script_root} has no {REQUIREMENTS}; write one with the packages that the app needs"
        )

    def make(environment: VirtualEnvironment) -> None:
        report(f"Installing {file} for {interpreter.words} into {environment.path}")
        make_environment(environment, interpreter, report, with_pip=True)
        install(environment, interpreter, ["--requirement", str(file)], folder=script_root, report=report)

    return cached_environment("apps", [*interpreter.identity, *content_digests(file)], make, report)


def make_environment(
    environment: VirtualEnvironment, interpreter: Interpreter, report: ReportProgress, *, with_pip: bool
) -> None:
    """Make an environment without packages, but for pip where nothing else can install. Raises InstallError."""
    if with_pip and (uv := shutil.which("uv")):
        command = [uv, "venv", "--python", str(interpreter.executable), str(environment.path)]
    else:
        flags = [] if with_pip and not lends_pip(interpreter) else ["--without-pip"]
        command = [str(interpreter.executable), "-m", "venv", *flags, str(environment.path)]
    _run(command, f"a virtual environment cannot be made with {interpreter.executable}", report=report)


def lends_pip(interpreter: Interpreter) -> bool:
    """
    Whether the pip next to functune installs for the interpreter.

    A pip of its own takes an environment longer than most packages do. For another Python, this one may be too old.
    """
    return interpreter.version[:2] == sys.version_info[:2] and find_spec("pip") is not None


def install(
    environment: VirtualEnvironment,
    interpreter: Interpreter,
    arguments: Sequence[str],
    *,
    folder: Path,
    report: ReportProgress,
) -> None:
    """
    Install into the environment what ``arguments`` ask of pip; paths in them start at ``folder``. Raises InstallError.
    """
    python = str(environment.python)
    if uv := shutil.which("uv"):
        command = [uv, "pip", "install", "--python", python, *arguments]
    else:
        pip = [sys.executable, "-m", "pip", "--python", python] if lends_pip(interpreter) else [python, "-m", "pip"]
        flags = ["--disable-pip-version-check", "--no-input", "--progress-bar", "off"]
        command = [*pip, "install", *flags, *arguments]
    _run(command, f"the packages of {folder} cannot be installed", folder=folder, report=report)


def _run(command: Sequence[str], failure: str, *, report: ReportProgress, folder: Path | None = None) -> None:
    """Run the command and report each line it prints. Raises InstallError with ``failure`` and its last lines."""
    last: deque[str] = deque(maxlen=_SHOWN_LINES)
    # An installer honours PYTHONPATH, and would take what is there for installed.
    environ = {name: value for name, value in child_environ({}).items() if name != "PYTHONPATH"}
    process: subprocess.Popen[str] | None = None
    try:
        with held_interrupt():
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                close_fds=False,  # it inherits the lock of the environment, and nothing else that is open here
                start_new_session=True,
            )
        assert process.stdout is not None
        for line in process.stdout:
            last.append(line.rstrip())
            report(last[-1])
        process.stdout.close()
        process.wait()
    except BaseException:
        if process is not None:
            with suppress(ProcessLookupError, PermissionError):  # it has just ended; macOS says the latter
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()  # ends once every process of the group has ended, and none writes any more
        raise
    if process.returncode:
        raise InstallError(
            f"{failure}: `{' '.join(command)}` ended with {process.returncode}; its last lines:\n{'\n'.join(last)}"
        )


@contextmanager
def held_interrupt() -> Iterator[None]:
    """
    Hold CTRL+C back until the block is over, so that a process that is being started is known and can be ended.

    There is nothing to hold back outside of the main thread, and where the process ignores or handles the signal.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    received: list[int] = []
    usual = signal.signal(signal.SIGINT, lambda number, _: received.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
    if received:
        raise KeyboardInterrupt
