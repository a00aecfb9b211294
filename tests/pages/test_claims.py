"""The figures of README.md are those that the project holds, and the lines in its outputs are those of the app."""

import re
from pathlib import Path

import pytest

from bench import bounds
from bench.__main__ import SUITES
from tests.pages.commands import PAGES, ROOT
from tests.pages.quotes import files_of_pages

README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "claim",
    [
        f"{bounds.BLOCKING_CALLS.at_least:g} to {bounds.BLOCKING_CALLS.at_most:g} times T x P / 100 ms",
        f"within {bounds.LITTLES_LAW.at_most or 0:.0%} on every undisturbed step",
        f"at most {bounds.SEARCH_REGRET.at_most or 0:.0%} of the best setting, in at most "
        f"{bounds.SEARCH_TIME.at_most or 0:.0%} of the time",
        f"no wrong limit is named, and {10 * (bounds.NAMED_LIMITS.at_least or 0):.0f} of 10 are named",
    ],
)
def test_readme_claims_what_the_benchmarks_hold(claim: str) -> None:
    assert bounds.WRONG_LIMITS.at_most == 0
    assert claim.replace("%", " %") in README


def test_benchmarks_of_the_readme_exist() -> None:
    named = re.findall(r"`python -m bench (\w+)`", README)
    assert len(named) > 3
    assert [name for name in named if name not in SUITES] == []


@pytest.mark.parametrize("page", PAGES[:2], ids=lambda page: page.name)
def test_outputs_name_the_line_of_the_app(page: Path) -> None:
    lines = files_of_pages()["function_app.py"].splitlines()
    named = re.findall(r"function_app\.py:(\d+)", page.read_text(encoding="utf-8"))
    assert named
    assert {lines[int(number) - 1].strip().split("(")[0] for number in named} == {"price = requests.get"}
