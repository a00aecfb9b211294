"""
The commands of README.md and of the tutorial, as a reader copies them.

A fenced block without a language has commands, one a line; a block with a language has something else, such as output.
A block that needs more than this machine has a line above it: ``Needs Azure:``.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click

from functune.cli import main

ROOT = Path(__file__).parents[2]
TUTORIAL = sorted((ROOT / "docs" / "tutorial").glob("*.md"))
PAGES = [ROOT / "README.md", *TUTORIAL]
NEEDS = {
    "Azure": ("az", "azd", "curl", "export", "functune", "APP=", "THUMBPRINT="),
    "Core Tools": ("func",),
    "Docker": ("docker",),
    "GitHub": ("gh",),
}
"""What a block can need, and with what its commands can begin then."""
_BLOCK = re.compile(r"^(?:Needs ([^\n]+):\n\n)?```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class PageCommand(NamedTuple):
    """One command of a page."""

    page: str
    text: str
    """On one line."""
    needs: str | None
    """What it needs that this machine does not have; None where a test runs it."""


def commands_of(page: Path) -> Iterator[PageCommand]:
    """The commands in the blocks of a page, in their order."""
    for needs, language, block in _BLOCK.findall(page.read_text(encoding="utf-8")):
        if not language:
            lines = re.sub(r"\\\n\s*", "", block).splitlines()
            yield from (PageCommand(page.name, line, needs or None) for line in lines if line.strip())


def all_commands() -> list[PageCommand]:
    """Those of every page."""
    return [command for page in PAGES for command in commands_of(page)]


def calls_in(text: str) -> list[list[str]]:
    """The words of each call of functune in a command line or in ``code`` of a sentence."""
    return [call.split() for call in re.findall(r"(?:^|[|;&(]\s*)functune ((?:[^|;&)<>]|<[A-Z_]+>)+)", text)]


def inline_calls(page: Path) -> list[list[str]]:
    """The words of each call of functune that stands in the text of a page."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return [words for code in re.findall(r"`([^`]+)`", text) for words in calls_in(code)]


def unknown_words(words: list[str]) -> list[str]:
    """The flags that the command does not have, or its name where there is no such command."""
    group: click.Command = main
    for word in words:
        if not isinstance(group, click.Group):
            break
        if word not in group.commands:
            return [word] if word[0] not in "-<" else []
        group = group.commands[word]
    known = {flag for parameter in group.params for flag in (*parameter.opts, *parameter.secondary_opts)}
    flags = [word for word in words if re.fullmatch(r"--?[a-zA-Z][\w-]*", word)]
    return [flag for flag in flags if flag not in known | {"-h", "--help", "--version"}]
