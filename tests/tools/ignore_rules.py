"""
The rules by which azd and Core Tools read .funcignore, which are not quite those of git.

Each follows the source of its tool, as of August 2026: azd cli/azd/pkg/project/project_utils.go with the library
denormal/go-gitignore, and Core Tools src/Cli/func/Common/GitIgnoreParser.cs and FileSystemHelpers.cs.
"""

import fnmatch
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_NEVER_SENT_BY_CORE_TOOLS = {".funcignore", ".gitignore", "local.settings.json", "project.lock.json"}


def sent_by_core_tools(root: Path) -> set[str]:
    """The files that `func azure functionapp publish` puts into its zip."""
    rules = CoreToolsRules((root / ".funcignore").read_text())
    return {path for path in _files(root) if rules.accepts(path)}


def _files(root: Path) -> Iterator[str]:
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name.lower() not in {".git", ".vscode"}]
        place = Path(folder).relative_to(root).as_posix()
        for name in names:
            if name.lower() not in _NEVER_SENT_BY_CORE_TOOLS:
                yield name if place == "." else f"{place}/{name}"


class CoreToolsRules:
    """
    Two regular expressions, each of all lines: what is left out, and what is taken back in, in whatever order they are.

    A pattern matches the beginning of a path up to the end of a word.
    """

    def __init__(self, text: str) -> None:
        lines = [line.strip() for line in text.split("\n")]
        lines = [line for line in lines if line and not line.startswith("#")]
        self._out = self._expression([line for line in lines if not line.startswith("!")])
        self._back_in = self._expression([line[1:] for line in lines if line.startswith("!")])

    def accepts(self, path: str) -> bool:
        """Whether the file is sent."""
        return bool(self._back_in.search(path)) or not self._out.search(path)

    def _expression(self, lines: list[str]) -> re.Pattern[str]:
        if not lines:
            return re.compile("$^", re.ASCII)
        patterns = [self._pattern(line.removeprefix("/")) for line in sorted(lines)]
        return re.compile(f"^(({')|('.join(patterns)}))\\b", re.ASCII)

    def _pattern(self, line: str) -> str:
        escaped = re.sub(r"[\-\[\]\/\{\}\(\)\+\?\.\\\^\$\|]", r"\\\g<0>", line)
        return escaped.replace("**", "(.+)").replace("*", "([^\\/]+)")


def sent_by_azd(root: Path) -> set[str]:
    """The files that `azd deploy` puts into its zip."""
    return set(_walked(root, Path(), AzdRules((root / ".funcignore").read_text())))


def _walked(root: Path, folder: Path, rules: "AzdRules") -> Iterator[str]:
    for entry in (root / folder).iterdir():
        path = folder / entry.name
        is_never_sent = (
            entry.name == ".azure" if entry.is_dir() else entry.name in {".funcignore", "local.settings.json"}
        )
        if is_never_sent or rules.ignores(path.as_posix(), is_folder=entry.is_dir()):
            continue
        if entry.is_dir():
            yield from _walked(root, path, rules)
        else:
            yield path.as_posix()


@dataclass(frozen=True)
class _AzdPattern:
    text: str
    is_negated: bool
    is_anchored: bool
    is_for_folders: bool

    def matches(self, path: str, *, is_folder: bool) -> bool:
        """Whether it matches one path; it does not match what is below a folder that it matches."""
        if self.is_for_folders and not is_folder:
            return False
        if "**" in self.text:
            return _matches_parts(path.split("/"), self.text.split("/"))
        if "/" in self.text:  # matches from the top, with or without a slash at its beginning
            parts, patterns = path.split("/"), self.text.split("/")
            return len(parts) == len(patterns) and all(map(fnmatch.fnmatchcase, parts, patterns))
        # Without a slash inside, the star also stands for slashes.
        return fnmatch.fnmatchcase(path if self.is_anchored else path.rpartition("/")[2], self.text)


def _matches_parts(parts: list[str], patterns: list[str]) -> bool:
    if not patterns:
        return not parts
    if patterns[0] == "**":
        return _matches_parts(parts, patterns[1:]) or (bool(parts) and _matches_parts(parts[1:], patterns))
    return bool(parts) and fnmatch.fnmatchcase(parts[0], patterns[0]) and _matches_parts(parts[1:], patterns[1:])


class AzdRules:
    """The last pattern that matches a path decides."""

    def __init__(self, text: str) -> None:
        lines = [line.rstrip() for line in text.splitlines()]
        self._patterns = [self._pattern(line) for line in lines if line and not line.startswith("#")]

    def ignores(self, path: str, *, is_folder: bool) -> bool:
        """Whether the file is left out, or the folder is not entered."""
        for pattern in reversed(self._patterns):
            if pattern.matches(path, is_folder=is_folder):
                return not pattern.is_negated
        return False

    def _pattern(self, line: str) -> _AzdPattern:
        assert not set(line) & {" ", "\t", "\\"}, f"{line}: blanks and escapes have rules that are not written here"
        text = line.removeprefix("!")
        return _AzdPattern(
            text=text.removeprefix("/").removesuffix("/"),
            is_negated=line.startswith("!"),
            is_anchored=text.startswith("/"),
            is_for_folders=text.endswith("/"),
        )
