"""docs/doctor.md has the rules that there are."""

import re
from pathlib import Path

from functune.doctor.page import HEADINGS, RULES_BLOCK, rules_text
from functune.doctor.registry import RULES
from functune.doctor.rules.settings import NOT_ON_FLEX, WITHOUT_EFFECT

ROOT = Path(__file__).parents[2]


def test_page_shows_every_rule() -> None:
    page = (ROOT / RULES_BLOCK.page).read_text(encoding="utf-8")
    filled = RULES_BLOCK.filled(page, "\n".join(rules_text()))
    assert filled == page, f"{RULES_BLOCK.page} is out of date: run make docs"
    assert [rule for rule in RULES if f"| `{rule}` |" not in page] == []


def test_every_rule_is_whole_and_of_a_family_with_a_heading() -> None:
    for name, rule in RULES.items():
        assert name == rule.id
        assert rule.family in HEADINGS
        assert rule.why.endswith(".")
        assert rule.remedy.endswith(".")
        assert not rule.looks_for.endswith(".")


def test_settings_page_and_the_rules_agree_on_flex_consumption() -> None:
    """The page also names properties of the site, which are no app settings."""
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    _, _, section = page.partition("## Settings that do not apply to Flex Consumption")
    rows = [row.split("|")[1] for row in section.partition("\n## ")[0].splitlines() if row.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`([A-Z][A-Z_]+)`", row)}
    assert len(named) > 10
    assert named <= set(NOT_ON_FLEX) | set(WITHOUT_EFFECT)
