"""Watches the files of the app for changes."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import watchfiles
from watchfiles import Change

_QUIET = 300
"""Milliseconds without a change that end a burst; editors and git write several files, some more than once."""
_SETTINGS_FILES = {"host.json", "local.settings.json"}
_FOREIGN_FOLDERS = {"__pycache__", "node_modules", "runs", "tests"}


async def changes(script_root: Path) -> AsyncIterator[list[str]]:
    """
    Yield the changed files of each burst, as paths relative to ``script_root``: ``*.py``, and the two settings files.

    Hidden folders, virtual environments, ``__pycache__``, ``runs`` and ``tests`` are not watched.
    """
    while True:
        # Each folder is watched on its own, since a recursive watch would include virtual environments.
        async for burst in watchfiles.awatch(
            *_folders(script_root), watch_filter=_Interest(script_root), recursive=False, step=_QUIET
        ):
            paths = sorted({Path(path) for _, path in burst})
            yield [str(path.relative_to(script_root)) for path in paths]
            if any(path.is_dir() for path in paths):
                break  # watch again, with the new folder


class _Interest:
    """The filter that watchfiles applies to every change."""

    def __init__(self, script_root: Path) -> None:
        self._script_root = script_root

    def __call__(self, change: Change, path: str) -> bool:
        changed = Path(path)
        if changed.parent == self._script_root and changed.name in _SETTINGS_FILES:
            return True
        if changed.suffix == ".py":
            return True
        # Changes in a new folder before it is watched are not reported, so the folder itself counts.
        return change is Change.added and changed.is_dir() and not _is_foreign(changed)


def _folders(script_root: Path) -> Iterator[Path]:
    for folder, below, _ in os.walk(script_root):
        below[:] = [name for name in below if not _is_foreign(Path(folder, name))]
        yield Path(folder)


def _is_foreign(folder: Path) -> bool:
    return folder.name.startswith(".") or folder.name in _FOREIGN_FOLDERS or (folder / "pyvenv.cfg").exists()
