"""
The table of rules in docs/doctor.md.

    python -m functune.doctor.page      write it; `make docs` does
"""

from collections.abc import Iterator
from pathlib import Path

from functune.doctor.registry import RULES
from functune.doctor.rule import Family, Rule

RULES_PAGE = Path("docs/doctor.md")
RULES_BEGIN, RULES_END = "<!-- rules: written by make docs -->", "<!-- end of rules -->"

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


def with_rules(page: str) -> str:
    """The page with the tables between its marks. Raises ValueError when a mark is missing."""
    before, begin, rest = page.partition(RULES_BEGIN)
    _, end, after = rest.partition(RULES_END)
    if not begin or not end:
        raise ValueError(f"{RULES_PAGE} lacks the marks {RULES_BEGIN} and {RULES_END}")
    return f"{before}{RULES_BEGIN}\n\n{'\n'.join(rules_text())}\n{RULES_END}{after}"


if __name__ == "__main__":
    RULES_PAGE.write_text(with_rules(RULES_PAGE.read_text(encoding="utf-8")), encoding="utf-8")
