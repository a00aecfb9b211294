"""Writes the showcase into a folder of the user's."""

import filecmp
import stat
from pathlib import Path

from functune.errors import UsageError
from functune.showcase.parts import showcase_files

_IN_WHEEL = Path(__file__).parent / "app"
"""Where setup.py puts the files in a wheel; a checkout has no such folder."""
_CHECKOUT = Path(__file__).parents[2]
_NAMED = 3
"""Files that an error names; of more than these, it gives the number."""


def showcase_root() -> Path:
    """The folder with the files of the showcase."""
    return _IN_WHEEL if _IN_WHEEL.is_dir() else _CHECKOUT


def write_showcase(folder: Path) -> int:
    """
    Write the files of the showcase that ``folder`` does not have; returns how many these are.

    Raises UsageError where there is something else than a folder, where a file differs from that of the showcase,
    before anything is written, and where the folder cannot be written.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} cannot be written: it is not a folder; name another folder with --dir")
    root = showcase_root()
    files = list(showcase_files(root))
    absent = [file for file in files if not (folder / file).exists()]
    changed = [file for file in files if file not in absent and not filecmp.cmp(root / file, folder / file, False)]
    if changed:
        more = f" and {len(changed) - _NAMED} more" if len(changed) > _NAMED else ""
        raise UsageError(
            f"{folder} has other files than the showcase, which are not overwritten: "
            f"{', '.join(map(str, changed[:_NAMED]))}{more}; name a new folder with --dir"
        )
    try:
        for file in absent:
            write_new(root / file, folder / file)
    except OSError as error:
        raise UsageError(
            f"{error.filename or folder} cannot be written: {error.strerror}; name another folder with --dir"
        ) from error
    return len(absent)


def write_new(source: Path, target: Path) -> None:
    """Copy a file with its right to be executed. Raises FileExistsError where there is one."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as written:
        written.write(source.read_bytes())
    if source.stat().st_mode & stat.S_IXUSR:
        target.chmod(target.stat().st_mode | stat.S_IXUSR)
