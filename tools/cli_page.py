"""
Writes docs/cli.md: the ``--help`` of every command, verbatim.

    python -m tools.cli_page > docs/cli.md
"""

import sys
from collections.abc import Iterator

import click

from functune.cli import main

COLUMNS = 110
"""Width of the help texts; fixed, so that the page does not depend on the terminal it was made in."""

_HEAD = """\
# Commands

The `--help` of every command.
`make docs` generates this page: edit the command, not the page.

Every command that answers a question has `--format json`, and `--json` for the same: one JSON document on stdout, with
notes and progress on stderr, and the exit codes of the text. In `tune` and `probe`, `--json` is curl's flag for the
body of a request, so these take `--format json` alone. Names are those of report.json, recommendation.json, plan.json
and measurements.csv; times are in seconds unless a name says otherwise. A command that fails before it has an answer
prints no document.

`functune completion bash`, `zsh` or `fish` prints the script that completes commands, options and values.
"""


def cli_page() -> str:
    """The page as Markdown: each group first, then its commands in alphabetical order."""
    group = click.Context(main, info_name="functune", terminal_width=COLUMNS, **main.context_settings)
    return "\n".join([_HEAD, *map(_section, _with_commands(group))])


def _with_commands(context: click.Context) -> Iterator[click.Context]:
    yield context
    if isinstance(context.command, click.Group):
        for name, command in sorted(context.command.commands.items()):
            yield from _with_commands(click.Context(command, info_name=name, parent=context, terminal_width=COLUMNS))


def _section(context: click.Context) -> str:
    return f"## {context.command_path}\n\n```\n{context.command.get_help(context)}\n```\n"


if __name__ == "__main__":
    sys.stdout.write(cli_page())
