"""What the lab reads of a process that serves requests: the counts of its calls, its samples, and that it is ready."""

import asyncio
import mmap
import os
import re
import sys
from pathlib import Path
from typing import NoReturn

from functune.environ import calls_folder, profile_folder
from functune.timing.page import CALLS_SUFFIX, PAGE_BYTES, CallPage
from functune.timing.sampler import start_sampler

_APP_LOAD_ERROR = 4
"""The exit code at which Gunicorn ends instead of starting the worker again (Arbiter.APP_LOAD_ERROR)."""
_SERVES = re.compile(r"functune: process (\d+) serves ")


def ready_line(app: object) -> str:
    """The line for this process."""
    return f"functune: process {os.getpid()} serves {app}"


def serving_processes(line: str) -> list[str]:
    """The processes in a line of a server's output that can serve the app; those that write at once share a line."""
    return _SERVES.findall(line)


def end_without_app(error: Exception) -> NoReturn:
    """End the process of a WSGI server with the reason why its app cannot be loaded."""
    print(f"functune: {error}", file=sys.stderr, flush=True)
    sys.exit(_APP_LOAD_ERROR)


def process_page() -> CallPage | None:
    """A new page for the calls of this process; None where the environment has no folder for their counts."""
    if (folder := calls_folder()) is None:
        return None
    path = folder / f"{os.getpid()}{CALLS_SUFFIX}"
    unfinished = path.with_suffix(".new")  # the lab, which maps every page, may look at any time
    unfinished.write_bytes(bytes(PAGE_BYTES))
    with unfinished.open("r+b") as file:
        memory = mmap.mmap(file.fileno(), PAGE_BYTES)
    unfinished.rename(path)
    return CallPage(memory)


def sample_if_asked(script_root: Path, loop: asyncio.AbstractEventLoop | None) -> None:
    """
    Start the sampler where the environment names a folder for profiles.

    It is called from the thread of the event loop, with None in a process whose handlers have none.
    """
    if (folder := profile_folder()) is not None:
        start_sampler(folder, script_root=script_root, loop=loop)
