"""docs/doctor.md has the rules that there are."""

from pathlib import Path

from functune.doctor.page import HEADINGS, RULES_PAGE, with_rules
from functune.doctor.registry import RULES

ROOT = Path(__file__).parents[2]


def test_page_shows_every_rule() -> None:
    page = (ROOT / RULES_PAGE).read_text(encoding="utf-8")
    assert with_rules(page) == page, f"{RULES_PAGE} is out of date: run make docs"
    assert [rule for rule in RULES if f"| `{rule}` |" not in page] == []


def test_every_rule_is_whole_and_of_a_family_with_a_heading() -> None:
    for name, rule in RULES.items():
        assert name == rule.id
        assert rule.family in HEADINGS
        assert rule.why.endswith(".")
        assert rule.remedy.endswith(".")
        assert not rule.looks_for.endswith(".")
