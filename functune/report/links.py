"""
The links between the pages of a run folder.

Each page has a place for the link to the other, which is filled as soon as both are there: `functune plan` comes after
the report as a rule, and the report can be written again after it.
"""

from typing import NamedTuple

from functune.report.markup import Html, element
from functune.run.folder import RunFolder


class PageLink(NamedTuple):
    """A page of a run folder, as another one links to it."""

    file: str
    words: str

    @property
    def place(self) -> Html:
        """Where the link will be."""
        return Html(f"<!-- {self.file} -->")

    @property
    def link(self) -> Html:
        """The link."""
        return element("nav", element("a", self.words, href=self.file))


REPORT_LINK = PageLink("report.html", "What was measured")
PLAN_LINK = PageLink("plan.html", "Instances, latency and monthly cost on each hosting plan")
PAGE = REPORT_LINK.file


def link_pages(folder: RunFolder) -> None:
    """Fill the places for links to pages that are there."""
    for page, other in ((REPORT_LINK, PLAN_LINK), (PLAN_LINK, REPORT_LINK)):
        if (folder.path / page.file).exists() and (folder.path / other.file).exists():
            text = (folder.path / page.file).read_text(encoding="utf-8")
            if other.place in text:
                folder.write_text(page.file, text.replace(other.place, other.link, 1))
