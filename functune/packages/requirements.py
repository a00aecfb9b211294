"""requirements.txt, as far as it names packages. pip alone reads the rest of the format."""

import re
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

REQUIREMENTS = "requirements.txt"
_REQUIRED = re.compile(r"(?:-r|--requirement)[ =]*(\S+)")
_INCLUDED = re.compile(r"(?:-r|--requirement|-c|--constraint)[ =]*(\S+)")
_OPTION = re.compile(r"\s--\w.*")
_COMMENT = re.compile(r"(^|\s)#.*")


def included_files(path: Path) -> list[Path]:
    """The file and those it includes by ``-r`` or ``-c``, each once; those that are missing are omitted."""
    return _files(path, _INCLUDED)


def named_requirements(path: Path) -> list[Requirement]:
    """
    The packages that the file names, and the files it includes by ``-r``.

    Paths, URLs without a name, constraints and options are omitted.
    """
    named: list[Requirement] = []
    for file in _files(path, _REQUIRED):
        for line in _lines(file):
            try:
                named.append(Requirement(_OPTION.sub("", line)))
            except InvalidRequirement:  # an option, a path or a URL, which names no package
                continue
    return named


def _files(path: Path, including: re.Pattern[str]) -> list[Path]:
    found: list[Path] = []
    waiting = [path]
    while waiting:
        file = waiting.pop(0).resolve()
        if file.is_file() and file not in found:
            found.append(file)
            waiting += [file.parent / match[1] for line in _lines(file) if (match := including.match(line))]
    return found


def _lines(file: Path) -> list[str]:
    text = file.read_text(encoding="utf-8-sig", errors="replace").replace("\\\n", " ")
    return [line for raw in text.splitlines() if (line := _COMMENT.sub("", raw).strip())]
