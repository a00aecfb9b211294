"""
The process that draws reports of a run at a low priority: ``python -m functune.watch.drawing RUN NICENESS``.

It draws one for each line on stdin, and answers with a line of JSON and as many bytes of HTML as that says. It ends
with stdin, so it never outlives the command that started it.
"""

import os
import sys
from pathlib import Path
from typing import IO

import msgspec

from functune.errors import FunctuneError
from functune.run.folder import RunFolder

LOWEST_PRIORITY = 19
"""Niceness. A measured process that wants the core gets some 70 times as much of it."""


class Drawn(msgspec.Struct, frozen=True, kw_only=True):
    """The line before a page."""

    size: int = 0
    """Bytes of the page that follows."""
    problem: str = ""
    """Why there is no page; empty where there is one."""


def drawn_page(run: Path) -> tuple[Drawn, bytes]:
    """The report of a run as it is now."""
    # Imported here: the process that watches the run imports this module too, and draws nothing.
    from functune.report.document import read_document
    from functune.report.page import render_page

    try:
        page = render_page(read_document(RunFolder.open(run))).encode()
    except FunctuneError as error:
        return Drawn(problem=str(error)), b""
    return Drawn(size=len(page)), page


def read_drawn(answers: IO[bytes]) -> tuple[Drawn, bytes] | None:
    """The next answer of the process; None where it ended before the whole of it was written."""
    line = answers.readline()
    if not line.endswith(b"\n"):
        return None
    drawn = msgspec.json.decode(line, type=Drawn)
    page = answers.read(drawn.size)
    return (drawn, page) if len(page) == drawn.size else None


if __name__ == "__main__":
    from functune.report.charts.renderer import buffered_stdout  # here for the same reason

    os.nice(int(sys.argv[2]))
    with buffered_stdout() as answers:
        for _ in sys.stdin.buffer:
            drawn, page = drawn_page(Path(sys.argv[1]))
            answers.write(msgspec.json.encode(drawn) + b"\n" + page)
            answers.flush()
