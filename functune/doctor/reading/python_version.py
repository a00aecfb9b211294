"""The Python version of the platform for an app: as asked for, as its files say, else the one that runs the doctor."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from functune.doctor.reading.templates import BicepTemplate
from functune.errors import UsageError

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


def platform_python(
    root: Path, templates: Sequence[BicepTemplate], *, asked: str | None, own: tuple[int, ...]
) -> PythonVersion:
    """The version of an app. ``own`` is that of its packages. Raises UsageError for an ``asked`` that is none."""
    if asked is not None:
        if (version := major_minor(asked)) is None:
            raise UsageError(f"--python-version '{asked}': it takes a version such as 3.13 or 3.14")
        return PythonVersion(version, "--python-version")
    for template in templates:
        if (version := major_minor(template.python_stack() or "")) is not None:
            return PythonVersion(version, template.file)
    for name in _FILES:
        file = root / name
        if file.is_file() and (version := major_minor(file.read_text("utf-8", "replace").strip())) is not None:
            return PythonVersion(version, name)
    return PythonVersion((own[0], own[1]), "the Python of its packages here")


def major_minor(text: str) -> tuple[int, int] | None:
    """Major and minor version of a text such as ``3.13`` or ``python-3.13.1``."""
    found = _VERSION.match(text.strip())
    return None if found is None else (int(found[1]), int(found[2]))
