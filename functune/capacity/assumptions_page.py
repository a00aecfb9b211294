"""
The table of assumptions in docs/capacity.md.

    python -m functune.capacity.assumptions_page      write it; `make docs` does
"""

from pathlib import Path

from functune.capacity.assumptions import ROWS, Assumption

ASSUMPTIONS_PAGE = Path("docs/capacity.md")
ASSUMPTIONS_BEGIN, ASSUMPTIONS_END = "<!-- assumptions: written by make docs -->", "<!-- end of assumptions -->"


def assumption_row(row: Assumption) -> str:
    """A rule as a row."""
    confirmed = "" if row.confirmed else " **[U]**"
    return f"| `{row.name}` | {row.sentence}{confirmed} | {row.source} |"


def with_assumptions(page: str) -> str:
    """The page with the table between its marks. Raises ValueError when a mark is missing."""
    before, begin, rest = page.partition(ASSUMPTIONS_BEGIN)
    _, end, after = rest.partition(ASSUMPTIONS_END)
    if not begin or not end:
        raise ValueError(f"{ASSUMPTIONS_PAGE} lacks the marks {ASSUMPTIONS_BEGIN} and {ASSUMPTIONS_END}")
    table = "\n".join(["| Name | Rule | Source |", "|---|---|---|", *map(assumption_row, ROWS)])
    return f"{before}{ASSUMPTIONS_BEGIN}\n\n{table}\n\n{ASSUMPTIONS_END}{after}"


if __name__ == "__main__":
    ASSUMPTIONS_PAGE.write_text(with_assumptions(ASSUMPTIONS_PAGE.read_text(encoding="utf-8")), encoding="utf-8")
