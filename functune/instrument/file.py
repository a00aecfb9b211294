"""The times file as it is shipped, and its copy in the folder of an app."""

import re
from pathlib import Path

from functune.errors import UsageError
from functune.instrument.places import MODULE

TIMES_FILE = f"{MODULE}.py"
_VERSION = re.compile(r"^TIMES_VERSION = (\d+)$", re.MULTILINE)


def times_source() -> str:
    """The text of the file."""
    return (Path(__file__).parent / TIMES_FILE).read_text(encoding="utf-8")


def version_of(source: str) -> str:
    """The version that a times file names; ``unknown`` where it names none."""
    found = _VERSION.search(source)
    return found[1] if found else "unknown"


def write_times_file(folder: Path, *, force: bool) -> bool:
    """
    Write the file into the folder; whether there was anything to write.

    Raises UsageError where another file of its name is there, unless ``force`` allows to replace it.
    """
    path, source = folder / TIMES_FILE, times_source()
    if path.exists() or path.is_symlink():
        present = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        if present == source:
            return False
        if not force or not path.is_file():
            raise UsageError(
                f"{path} exists and is another file than version {version_of(source)} (its version is "
                f"{version_of(present)}): it is not overwritten. Remove it, or replace it with --force"
            )
    path.write_text(source, encoding="utf-8")
    return True
