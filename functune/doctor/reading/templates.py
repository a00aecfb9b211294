"""
Bicep templates of an app, as far as the rules need them: app settings, the plan, and the concurrency of an instance.

Only literals, and parameters and variables whose default is one, are read. Everything else stays unknown, since the
value of an expression depends on the deployment.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from functune.host.whole_numbers import parse_whole_number

_PLACES = ("*.bicep", "infra/**/*.bicep", "infrastructure/**/*.bicep", "deploy/**/*.bicep", "bicep/**/*.bicep")
_SETTING = re.compile(
    r"\{\s*name\s*:\s*'(?P<listed>[A-Za-z_][\w.:]*)'\s*,?\s*value\s*:\s*(?P<of_listed>[^\n}]+)"
    r"|^\s*'?(?P<keyed>(?:FUNCTIONS|PYTHON|WEBSITE|SCM|ENABLE|AzureWebJobs|AzureFunctionsJobHost)_?\w+"
    r"|TZ|WEB_CONCURRENCY|DISABLE_FASTAPI_DETECTION|GUNICORN_CMD_ARGS)'?\s*:"
    r"\s*(?P<of_keyed>[^\n]+)",
    re.MULTILINE,
)
_COMMENT = re.compile(r"('(?:[^'\\\n]|\\.)*')|//[^\n]*|/\*.*?\*/", re.DOTALL)
_VISIBLE = re.compile(r"\S")
_CONCURRENCY = re.compile(r"perInstanceConcurrency\s*:\s*([^\n},]+)")
_SCALE = re.compile(r"scaleAndConcurrency\s*:\s*\{")
_STACK = re.compile(r"linuxFxVersion\s*:\s*'PYTHON\|(?:\$\{(?P<name>\w+)\}|(?P<literal>[\d.]+))'", re.IGNORECASE)
_COMMAND = re.compile(r"\bappCommandLine\s*:\s*(?P<value>[^\n]+)")
_LOADED = re.compile(r"(?:trim\(\s*)?loadTextContent\(\s*'([^']+)'\s*\)\s*\)?\Z")
_MOST_NAMES = 5
"""The longest chain of parameters that is followed."""


class TemplateCommand(NamedTuple):
    """A start-up command that a template sets, and the file and line that contain it."""

    text: str
    file: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BicepTemplate:
    """One template, without its comments."""

    file: str
    """Relative to the app's folder."""
    text: str

    @property
    def is_flex(self) -> bool:
        """Whether it describes one app, on Flex Consumption."""
        return self.text.count("Microsoft.Web/sites@") <= 1 and _SCALE.search(self.text) is not None

    def line_at(self, position: int) -> int:
        """The line of a position in the text."""
        return self.text.count("\n", 0, position) + 1

    def app_settings(self) -> Iterator[tuple[str, str | None, int]]:
        """Name, value and line of each app setting; None for a value that is not a literal."""
        for found in _SETTING.finditer(self.text):
            name, value = found["listed"] or found["keyed"], found["of_listed"] or found["of_keyed"]
            start = found.start("listed") if found["listed"] else found.start("keyed")
            yield name, self.value_of(value), self.line_at(start)

    def concurrency(self) -> tuple[int | None, int] | None:
        """Value and line of perInstanceConcurrency; None where it is not set, or set several times."""
        found = list(_CONCURRENCY.finditer(self.text))
        if len(found) != 1:
            return None
        return parse_whole_number(self.value_of(found[0][1])), self.line_at(found[0].start())

    def scale_line(self) -> int | None:
        """The line of the one scaleAndConcurrency; None where there is none, or several."""
        found = list(_SCALE.finditer(self.text))
        return self.line_at(found[0].start()) if len(found) == 1 else None

    def python_stack(self) -> str | None:
        """The version in linuxFxVersion; None where it is not there, or not a literal."""
        found = _STACK.search(self.text)
        return None if found is None else found["literal"] or self.value_of(found["name"])

    def startup_command(self, root: Path) -> TemplateCommand | None:
        """The value of appCommandLine, also where it is the content of a file; None for none and for an expression."""
        found = _COMMAND.search(self.text)
        if found is None:
            return None
        written = found["value"].strip().rstrip(",").strip()
        if (loaded := _LOADED.match(written)) is not None:
            path = ((root / self.file).parent / loaded[1]).resolve()
            text = path.read_text("utf-8-sig", errors="replace").strip() if path.is_file() else ""
            return TemplateCommand(text, relative_name(path, root), 1) if text else None
        value = self.value_of(written)
        return TemplateCommand(value, self.file, self.line_at(found.start())) if value else None

    @property
    def sets_concurrency(self) -> bool:
        """Whether it names perInstanceConcurrency, or passes the triggers as one value."""
        return "perInstanceConcurrency" in self.text or re.search(r"\btriggers\s*:\s*\w", self.text) is not None

    def value_of(self, written: str) -> str | None:
        """The literal that an expression stands for; None for what depends on the deployment."""
        text = written.strip().rstrip(",").strip()
        for _ in range(_MOST_NAMES):
            if (inner := re.fullmatch(r"string\((.+)\)", text)) is not None:
                text = inner[1].strip()
            if (literal := re.fullmatch(r"'((?:[^'$\\]|\\.)*)'|(-?\d+|true|false)", text)) is not None:
                return literal[1] if literal[1] is not None else literal[2]
            named = rf"^\s*(?:param\s+{re.escape(text)}\s+\w+|var\s+{re.escape(text)})\s*=\s*(.+)$"
            if not text.isidentifier() or (found := re.search(named, self.text, re.MULTILINE)) is None:
                return None
            text = found[1].strip()
        return None


def read_templates(root: Path) -> list[BicepTemplate]:
    """The templates in and below the app's folder; in an azd project also those next to it."""
    folders = [root]
    if not (root / "azure.yaml").is_file():
        folders += [folder for folder in list(root.parents)[:2] if (folder / "azure.yaml").is_file()][:1]
    paths = {path.resolve(): folder for folder in folders for place in _PLACES for path in folder.glob(place)}
    return [
        BicepTemplate(
            file=relative_name(path, root), text=without_comments(path.read_text("utf-8-sig", errors="replace"))
        )
        for path in sorted(paths)
    ]


def relative_name(path: Path, root: Path) -> str:
    """The path as seen from the app's folder, with ``..`` where it lies outside."""
    return path.relative_to(root.resolve(), walk_up=True).as_posix()


def without_comments(text: str) -> str:
    """The text with blanks in place of its comments, so that positions stay right."""
    return _COMMENT.sub(lambda found: found[1] or _VISIBLE.sub(" ", found[0]), text)
