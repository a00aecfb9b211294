"""requirements.txt by its lines."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from functune.packages.requirements import (
    REQUIREMENTS,
    applies,
    included_files,
    required_files,
    requirement_texts,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequirementLine:
    """One package that is named."""

    requirement: Requirement
    file: str
    line: int
    is_locked: bool = False
    """Whether it has a hash: such a file has what its packages require as well."""

    @property
    def name(self) -> str:
        """The normalised name of the distribution."""
        return canonicalize_name(self.requirement.name)

    @property
    def applies(self) -> bool:
        """Whether its marker holds here."""
        return applies(self.requirement)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequirementFile:
    """The requirements of an app, with those of the files that it includes."""

    is_there: bool
    lines: tuple[RequirementLine, ...] = ()
    constraints: tuple[RequirementLine, ...] = ()
    """The lines of files included by ``-c``: they choose versions, and install nothing."""
    has_others: bool = False
    """Whether some lines name no package, such as a path, a URL or another index."""


def read_requirement_lines(root: Path, name: str = REQUIREMENTS) -> RequirementFile:
    """Read requirements.txt of the app, or the file that the build takes in its place."""
    path = root / name
    if not path.is_file():
        return RequirementFile(is_there=False)
    required = required_files(path)
    return RequirementFile(
        is_there=True,
        lines=tuple(line for file in required for line in lines_of(file, root)),
        constraints=tuple(
            line for file in included_files(path) if file not in required for line in lines_of(file, root)
        ),
        has_others=any(
            each.requirement is None and not each.is_inclusion for file in required for each in requirement_texts(file)
        ),
    )


def lines_of(file: Path, root: Path) -> Iterator[RequirementLine]:
    """The packages that one file names, which may lie outside of the app's folder."""
    shown = file.relative_to(root.resolve(), walk_up=True).as_posix()
    for each in requirement_texts(file):
        if (named := each.requirement) is not None:
            yield RequirementLine(requirement=named, file=shown, line=each.line, is_locked=each.is_locked)
