"""
The form of an answer: text for people, or one JSON document on stdout.

Every command that answers a question takes ``--format json``, and ``--json`` for the same unless that is curl's flag
for the body of a request. The rest of its output, such as notes and progress, then goes to stderr.
"""

import contextlib
import functools
import sys
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TextIO

import click

from functune.errors import UsageError

ANSWER_HELP = "Form of the answer; json is one document on stdout, with notes and progress on stderr."


class Answer(NamedTuple):
    """The form in which a command answers, and where."""

    form: str = "text"
    stdout: TextIO | None = None
    """None for that of the process."""

    @property
    def is_json(self) -> bool:
        """Whether a program reads the answer."""
        return self.form == "json"

    def give(self, lines: Callable[[], Iterable[str]], document: Callable[[], object]) -> None:
        """Print the answer, as lines of text or as a document of structs and plain values."""
        if self.is_json:
            from functune.report.json_text import indented_json

            self.write(indented_json(document()))
        else:
            self.write("".join(f"{line}\n" for line in lines()))

    def write(self, text: str) -> None:
        """Print a text that has its form already."""
        click.echo(text, nl=False, file=self.stdout)


AS_TEXT = Answer()


def answers(
    *forms: str, default: str = "text", help_text: str = ANSWER_HELP, with_flag: bool = True
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """
    Add --format and, ``with_flag``, --json, as the parameter ``answer``.

    Without ``forms`` they are text and JSON.
    """

    def added(command: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        def called(*arguments: Any, form: str | None, as_json: bool = False, **options: Any) -> Any:
            if as_json and form not in (None, "json"):
                raise UsageError(f"--json with --format {form}: allowed is one of them")
            answer = Answer("json" if as_json else form or default, sys.stdout)
            notes = contextlib.redirect_stdout(sys.stderr) if answer.is_json else contextlib.nullcontext()
            with notes:
                return command(*arguments, answer=answer, **options)

        form = click.option(
            "--format",
            "form",
            type=click.Choice(forms or ("text", "json")),
            help=f"{help_text}  [default: {default}]",
        )
        flag = click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
        return form(flag(called)) if with_flag else form(called)

    return added
