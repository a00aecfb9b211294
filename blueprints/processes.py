"""The worker processes of this instance: how many are configured, how many are alive."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SETTING = "FUNCTIONS_WORKER_PROCESS_COUNT"
MAXIMUM = 10
"""The highest number that the host starts (azure-functions-host, RpcWorkerConfigFactory.cs)."""

PROC = Path("/proc")


@dataclass(frozen=True)
class ProcessSetting:
    """FUNCTIONS_WORKER_PROCESS_COUNT: its text, and the number that the host uses; None when it refuses to start."""

    text: str | None
    effective: int | None

    @property
    def configured(self) -> int | str | None:
        """The number in the setting, its text when it is not a number, None when it is not set."""
        return int(self.text) if self.text is not None and _is_integer(self.text) else self.text


def read_setting(environment: Mapping[str, str]) -> ProcessSetting:
    """
    Return the setting as the host reads it (azure-functions-host, RpcWorkerConfigFactory.cs).

    Unset, empty or any integer up to 1 means 1. With more than 10, or with other text, the host does not start.
    """
    text = environment.get(SETTING) or None
    if text is None:
        return ProcessSetting(None, 1)
    if not _is_integer(text) or int(text) > MAXIMUM:
        return ProcessSetting(text, None)
    return ProcessSetting(text, max(1, int(text)))


def _is_integer(text: str) -> bool:
    # Approximately what .NET accepts as a 32-bit integer: longer numbers overflow there and are refused as well.
    return re.fullmatch(r"\s*[+-]?[0-9]{1,10}\s*", text) is not None


def siblings(pid: int, proc: Path = PROC) -> list[int] | None:
    """
    Pids of all worker processes of the host that started ``pid``, itself included; None where there is no /proc.

    They are the children of the same parent that run the same program: their command lines are equal up to the first
    argument that begins with ``--``, after which they differ. A zombie has no command line, so it does not count.
    """
    parent = _parent(proc / str(pid))
    if parent is None:
        return None
    program = _program(proc / str(pid))
    processes = [path for path in proc.iterdir() if path.name.isdigit()]
    return sorted(int(path.name) for path in processes if _parent(path) == parent and _program(path) == program)


def _parent(process: Path) -> int | None:
    """The parent's pid; None when the process is gone."""
    try:
        stat = (process / "stat").read_text()
    except OSError:  # the process has ended, or there is no /proc
        return None
    # "pid (name) state ppid ...": the name may contain blanks and brackets, so count from the last bracket.
    return int(stat.rpartition(")")[2].split()[1])


def _program(process: Path) -> list[str]:
    """The command line up to the first argument that begins with ``--``; empty when the process is gone."""
    try:
        arguments = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []
    program: list[str] = []
    for argument in arguments:
        if argument.startswith("--"):
            break
        program.append(argument)
    return program
