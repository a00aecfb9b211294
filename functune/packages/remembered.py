"""
The environment that a start found the last time, so that the next one finds it at once.

Reading what packages require and where their files are takes long. The result is the same as long as none of the
folders that Python searches has changed; importlib.metadata relies on that as well.
"""

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from functune.environ import cache_folder
from functune.packages.virtual_environment import VirtualEnvironment, is_complete, parts_digest

_CODE = Path(__file__).parent
"""The folder of the code that chooses what an environment has."""


def remembered_environment(
    kind: str, asked: Sequence[str], find: Callable[[], VirtualEnvironment]
) -> VirtualEnvironment:
    """
    The environment that ``find`` gave the last time that the same was ``asked``; ``find`` is called where it may give
    another one now.

    The last one is kept for each ``kind``, ``asked`` and search path.
    """
    note = cache_folder() / "remembered" / parts_digest([kind, *asked, *sys.path])
    state = parts_digest(str(place.stat().st_mtime_ns) for place in (*map(Path, sys.path), _CODE) if place.exists())
    if (folder := _noted(note, state)) is not None and is_complete(folder):
        return VirtualEnvironment(folder)
    found = find()
    with suppress(OSError):  # the environment is there all the same, and the next start looks for it again
        _write(note, state, found.path)
    return found


def _noted(note: Path, state: str) -> Path | None:
    """The folder that the note has for this state of the search path; None without one."""
    try:
        then, folder = os.fsdecode(note.read_bytes()).split("\n", 1)
    except (OSError, ValueError):  # there is none, it cannot be read, or another version of functune wrote it
        return None
    return Path(folder) if then == state else None


def _write(note: Path, state: str, folder: Path) -> None:
    note.parent.mkdir(parents=True, exist_ok=True)
    unfinished = note.with_suffix(f".{os.getpid()}")  # other starts may read and write the note at this moment
    unfinished.write_bytes(os.fsencode(f"{state}\n{folder}"))
    unfinished.replace(note)
