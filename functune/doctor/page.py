"""
The table of rules in docs/doctor.md.

    python -m functune.doctor.page      write it; `make docs` does
"""

from collections.abc import Iterator
from pathlib import Path

from functune.doctor.registry import RULES
from functune.doctor.rule import Family, Rule
from functune.marked_block import MarkedBlock

RULES_BLOCK = MarkedBlock(Path("docs/doctor.md"), "rules")

HEADINGS: dict[Family, str] = {
    "blocking": "Async handlers",
    "clients": "Clients",
    "concurrency": "Requests against threads and processes",
    "settings": "App settings",
    "host.json": "host.json",
    "requirements": "Packages",
    "app-service": "App Service",
    "code": "Code",
    "measured": "Measured",
}


def rules_text() -> Iterator[str]:
    """The lines of the rules: a heading and a table for each family."""
    for family, heading in HEADINGS.items():
        yield f"### {heading}"
        yield ""
        yield "| Rule | Severity | Looks for | Why | Remedy | Needs |"
        yield "|---|---|---|---|---|---|"
        yield from (rule_row(rule) for rule in RULES.values() if rule.family == family)
        yield ""


def rule_row(rule: Rule) -> str:
    """A rule as a row."""
    cells = (f"`{rule.id}`", rule.severity, rule.looks_for, rule.why, rule.remedy, rule.needs)
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


if __name__ == "__main__":
    RULES_BLOCK.write("\n".join(rules_text()))
