"""
The table of assumptions in docs/capacity.md.

    python -m functune.capacity.assumptions_page      write it; `make docs` does
"""

from pathlib import Path

from functune.capacity.assumptions import ROWS, Assumption
from functune.marked_block import MarkedBlock

ASSUMPTIONS = MarkedBlock(Path("docs/capacity.md"), "assumptions")


def assumption_row(row: Assumption) -> str:
    """A rule as a row."""
    confirmed = "" if row.confirmed else " **[U]**"
    return f"| `{row.name}` | {row.sentence}{confirmed} | {row.source} |"


def assumptions_table() -> str:
    """The table as Markdown."""
    return "\n".join(["| Name | Rule | Source |", "|---|---|---|", *map(assumption_row, ROWS)])


if __name__ == "__main__":
    ASSUMPTIONS.write(assumptions_table())
