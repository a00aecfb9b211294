"""
Writes docs/cli.md: the ``--help`` of every command, verbatim.

    python -m tools.cli_page > docs/cli.md
"""

import sys

import click

from functune.cli import main

COLUMNS = 110
"""Width of the help texts; fixed, so that the page does not depend on the terminal it was made in."""

_HEAD = """\
# Commands

The `--help` of every command.
`make docs` generates this page: edit the command, not the page.
"""


def cli_page() -> str:
    """The page as Markdown: the group first, then the commands in alphabetical order."""
    group = click.Context(main, info_name="functune", terminal_width=COLUMNS, **main.context_settings)
    commands = [
        click.Context(command, info_name=name, parent=group, terminal_width=COLUMNS)
        for name, command in sorted(main.commands.items())
    ]
    return "\n".join([_HEAD, *(_section(context) for context in (group, *commands))])


def _section(context: click.Context) -> str:
    return f"## {context.command_path}\n\n```\n{context.command.get_help(context)}\n```\n"


if __name__ == "__main__":
    sys.stdout.write(cli_page())
