"""requirements.txt, as far as it names packages. pip alone reads the rest of the format."""

import codecs
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from packaging.requirements import Requirement

REQUIREMENTS = "requirements.txt"
_REQUIRED = re.compile(r"(?:-r|--requirement)[ =]*(\S+)")
_INCLUDED = re.compile(r"(?:-r|--requirement|-c|--constraint)[ =]*(\S+)")
_OPTION = re.compile(r"\s--\w.*")
_COMMENT = re.compile(r"(^|\s)#.*")
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class RequirementText(NamedTuple):
    """One entry of a file, which can go on over several lines, without its comment."""

    line: int
    """The number of its first line."""
    text: str

    @property
    def requirement(self) -> "Requirement | None":
        """The package that it names; None for an option, a path, or a URL without a name."""
        # Imported here, since a host whose environments are there needs the content of the files alone.
        from packaging.requirements import InvalidRequirement, Requirement

        try:
            return Requirement(_OPTION.sub("", self.text))
        except InvalidRequirement:
            return None

    @property
    def is_locked(self) -> bool:
        """Whether it has a hash."""
        return "--hash" in self.text

    @property
    def is_inclusion(self) -> bool:
        """Whether it names another file."""
        return _INCLUDED.match(self.text) is not None


def included_files(path: Path) -> list[Path]:
    """The file and those it includes by ``-r`` or ``-c``, each once; those that are missing are omitted."""
    return _files(path, _INCLUDED)


def required_files(path: Path) -> list[Path]:
    """The file and those it includes by ``-r``, in the same way."""
    return _files(path, _REQUIRED)


def content_digests(path: Path) -> list[str]:
    """The name and the digest of the file and of each file that it includes."""
    return [f"{each.name} {hashlib.sha256(each.read_bytes()).hexdigest()}" for each in included_files(path)]


def named_requirements(path: Path) -> "list[Requirement]":
    """
    The packages that the file names, and the files it includes by ``-r``.

    Paths, URLs without a name, constraints and options are omitted.
    """
    entries = (each for file in required_files(path) for each in requirement_texts(file))
    return [named for each in entries if (named := each.requirement) is not None]


def requirement_texts(file: Path) -> Iterator[RequirementText]:
    """The entries of one file. As for pip, a backslash joins a line to the next one, unless it is a comment."""
    joined, first = "", 1
    for number, line in enumerate(_decoded(file).splitlines(), 1):
        first = first if joined else number
        if line.endswith("\\") and not line.lstrip().startswith("#"):
            joined += f"{line[:-1]} "
            continue
        if text := _COMMENT.sub("", joined + line).strip():
            yield RequirementText(first, text)
        joined = ""
    if text := joined.strip():
        yield RequirementText(first, text)


def applies(requirement: "Requirement", extra: str = "") -> bool:
    """Whether the marker of a requirement holds for this Python, with an extra of the package that requires it."""
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})


def _files(path: Path, including: re.Pattern[str]) -> list[Path]:
    found: list[Path] = []
    waiting = [path]
    while waiting:
        file = waiting.pop(0).resolve()
        if file.is_file() and file not in found:
            found.append(file)
            named = (including.match(each.text) for each in requirement_texts(file))
            waiting += [file.parent / each[1] for each in named if each is not None]
    return found


def _decoded(file: Path) -> str:
    """The text of a file. PowerShell writes UTF-16 for ``pip freeze > requirements.txt``, which pip reads too."""
    data = file.read_bytes()
    return data.decode("utf-16" if data.startswith(_UTF_16) else "utf-8-sig", errors="replace")
