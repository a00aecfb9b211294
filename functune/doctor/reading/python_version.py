"""The Python version of the platform for an app: as asked for, as its files say, else the one of its packages here."""

from collections.abc import Sequence
from pathlib import Path

from functune.app_service.python_version import PythonVersion, major_minor, python_of_files
from functune.doctor.reading.templates import BicepTemplate
from functune.errors import UsageError


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
    return python_of_files(root) or PythonVersion((own[0], own[1]), "the Python of its packages here")
