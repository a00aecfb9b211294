"""A program whose output is read while it runs."""

import asyncio
import os
import sys

from functune.hosts.program import Program

LONG_LINE = "print('x' * 3_000_000); print('after')"


async def test_program_is_read_to_its_end_past_a_line_of_some_megabytes() -> None:
    """An app may print a document. Whoever stops reading there blocks the app at its next line."""
    program = await Program.start(sys.executable, "-c", LONG_LINE, environ=dict(os.environ))
    async with asyncio.timeout(30):
        await program.ended()
    assert program.tail(1) == "after"
