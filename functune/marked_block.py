"""The part of a page of docs/ that is generated, between two marks."""

from pathlib import Path
from typing import NamedTuple


class MarkedBlock(NamedTuple):
    """A generated part of a page: ``MarkedBlock(Path("docs/doctor.md"), "rules")``."""

    page: Path
    name: str

    def filled(self, page: str, text: str) -> str:
        """The text of the page with another text between the marks. Raises ValueError when a mark is missing."""
        begins, ends = f"<!-- {self.name}: written by make docs -->", f"<!-- end of {self.name} -->"
        before, begin, rest = page.partition(begins)
        _, end, after = rest.partition(ends)
        if not begin or not end:
            raise ValueError(f"{self.page} lacks the marks {begins} and {ends}")
        return f"{before}{begins}\n\n{text.strip()}\n\n{ends}{after}"

    def write(self, text: str) -> None:
        """Write the text between the marks of the page."""
        self.page.write_text(self.filled(self.page.read_text(encoding="utf-8"), text), encoding="utf-8")
