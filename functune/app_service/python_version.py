"""The Python version that the files of an app ask for."""

import re
from pathlib import Path
from typing import NamedTuple

_VERSION = re.compile(r"(?:python-)?(\d+)\.(\d+)(?:\.\d+)?\Z")
_FILES = (".python-version", "runtime.txt")


class PythonVersion(NamedTuple):
    """A version, and what says so."""

    version: tuple[int, int]
    said_by: str

    @property
    def words(self) -> str:
        """Such as ``Python 3.13``."""
        return f"Python {'.'.join(map(str, self.version))}"


def python_of_files(folder: Path) -> PythonVersion | None:
    """The version in a file of the folder; None where none says it."""
    for name in _FILES:
        file = folder / name
        if file.is_file() and (version := major_minor(file.read_text("utf-8", "replace"))) is not None:
            return PythonVersion(version, name)
    return None


def major_minor(text: str) -> tuple[int, int] | None:
    """Major and minor version of a text such as ``3.13`` or ``python-3.13.1``."""
    found = _VERSION.match(text.strip())
    return None if found is None else (int(found[1]), int(found[2]))
