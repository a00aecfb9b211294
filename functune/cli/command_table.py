"""
The commands of a group, each imported when it is called.

Together they take several times as long to import as the interpreter and click take to start.
"""

import ast
import importlib
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path

import click

from functune.collection import collection_paused


class CommandTable(MutableMapping[str, click.Command]):
    """Commands by name; ``places`` has the ``module:function`` of each, a module of functune.cli."""

    def __init__(self, places: Mapping[str, str]) -> None:
        self._commands: dict[str, click.Command | str] = dict(places)

    def __getitem__(self, name: str) -> click.Command:
        found = self._commands[name]
        if isinstance(found, str):
            found = self._commands[name] = imported_command(found)
        return found

    def __setitem__(self, name: str, command: click.Command) -> None:
        self._commands[name] = command

    def __delitem__(self, name: str) -> None:
        del self._commands[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._commands)

    def __len__(self) -> int:
        return len(self._commands)

    def described(self) -> list[click.Command]:
        """The commands with their help and nothing else, which is read from the source of those not imported yet."""
        return [
            click.Command(name, help=help_in_source(found)) if isinstance(found, str) else found
            for name, found in self._commands.items()
        ]


def imported_command(place: str) -> click.Command:
    """The command at ``module:function``."""
    module, _, function = place.partition(":")
    with collection_paused():
        command = getattr(importlib.import_module(f"functune.cli.{module}"), function)
    assert isinstance(command, click.Command)
    return command


def help_in_source(place: str) -> str | None:
    """The docstring of the function at ``module:function``, which is the help of its command."""
    module, _, function = place.partition(":")
    tree = ast.parse(Path(__file__).with_name(f"{module}.py").read_text(encoding="utf-8"))
    [found] = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == function)
    return ast.get_docstring(found)
