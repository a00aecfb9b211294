"""Tells when a file changed that the app is made of."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import watchfiles
from watchfiles import Change

_QUIET = 300
"""Milliseconds without another change that end a burst: editors and git write several files, some more than once."""
_SETTINGS_FILES = {"host.json", "local.settings.json"}
_FOREIGN_FOLDERS = {"__pycache__", "node_modules", "runs", "tests"}


async def changes(script_root: Path) -> AsyncIterator[list[str]]:
    """
    Yield the changed files of each burst, as paths relative to ``script_root``: ``*.py``, and the two settings files.

    Hidden folders, virtual environments, ``__pycache__``, ``runs`` and ``tests`` do not belong to the app.
    """
    while True:
        # Each folder on its own, since a recursive watch would take in a whole virtual environment.
        async for burst in watchfiles.awatch(
            *_folders(script_root), watch_filter=_Interest(script_root), recursive=False, step=_QUIET
        ):
            paths = sorted({Path(path) for _, path in burst})
            yield [str(path.relative_to(script_root)) for path in paths]
            if any(path.is_dir() for path in paths):
                break  # begin again, with the new folder


class _Interest:
    """What watchfiles asks about every change."""

    def __init__(self, script_root: Path) -> None:
        self._script_root = script_root

    def __call__(self, change: Change, path: str) -> bool:
        changed = Path(path)
        if changed.parent == self._script_root and changed.name in _SETTINGS_FILES:
            return True
        if changed.suffix == ".py":
            return True
        # A new folder: whatever it held before it could be watched is not told.
        return change is Change.added and changed.is_dir() and not _is_foreign(changed)


def _folders(script_root: Path) -> Iterator[Path]:
    for folder, below, _ in os.walk(script_root):
        below[:] = [name for name in below if not _is_foreign(Path(folder, name))]
        yield Path(folder)


def _is_foreign(folder: Path) -> bool:
    return folder.name.startswith(".") or folder.name in _FOREIGN_FOLDERS or (folder / "pyvenv.cfg").exists()
