"""The log of a workflow run: annotations, groups, and lines of other programs, which cannot give commands."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager


def escaped(text: str) -> str:
    """The text as the value of a workflow command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def error(text: str) -> None:
    """An annotation that says why the job fails."""
    print(f"::error title=functune::{escaped(text)}", flush=True)


def warning(text: str) -> None:
    """An annotation that fails nothing."""
    print(f"::warning title=functune::{escaped(text)}", flush=True)


@contextmanager
def group(title: str) -> Iterator[None]:
    """
    A part of the log that can be folded, for the output of another program.

    What an app prints may begin with ``::``. The runner reads no command between the two marks, and only this process
    knows the second one.
    """
    mark = secrets.token_hex(16)
    print(f"::group::{escaped(title)}\n::stop-commands::{mark}", flush=True)
    try:
        yield
    finally:
        print(f"::{mark}::\n::endgroup::", flush=True)
