"""requirements.txt by its lines."""

import re
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from functune.packages.requirements import REQUIREMENTS, included_files

_COMMENT = re.compile(r"(^|\s)#.*")
_OPTION = re.compile(r"\s--\w.*")
_NOT_REQUIRED = re.compile(r"(?:-c|--constraint)\b")


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
        return self.requirement.marker is None or self.requirement.marker.evaluate()


@dataclass(frozen=True, slots=True, kw_only=True)
class RequirementFile:
    """The requirements of an app, with those of the files that it includes."""

    is_there: bool
    lines: tuple[RequirementLine, ...] = ()
    has_others: bool = False
    """Whether some lines name no package, such as a path, a URL or another index."""


def read_requirement_lines(root: Path, name: str = REQUIREMENTS) -> RequirementFile:
    """Read requirements.txt of the app, or the file that the build takes in its place."""
    path = root / name
    if not path.is_file():
        return RequirementFile(is_there=False)
    found: list[RequirementLine] = []
    has_others = False
    for file in included_files(path):
        raws = file.read_text("utf-8-sig", errors="replace").splitlines()
        for number, raw in enumerate(raws, 1):
            is_locked = "--hash" in raw or (raw.endswith("\\") and "--hash" in "".join(raws[number : number + 1]))
            line = _OPTION.sub("", _COMMENT.sub("", raw)).strip().rstrip("\\").strip()
            try:
                name = file.relative_to(root.resolve(), walk_up=True).as_posix()
                found.append(
                    RequirementLine(requirement=Requirement(line), file=name, line=number, is_locked=is_locked)
                )
            except InvalidRequirement:
                has_others |= bool(line) and not line.startswith(("-r", "--requirement", "--hash"))
                has_others |= _NOT_REQUIRED.match(line) is not None
    return RequirementFile(is_there=True, lines=tuple(found), has_others=has_others)
