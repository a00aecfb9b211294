"""Every rule holds for the files it is about, and refuses a copy that breaks it."""

from pathlib import Path

import pytest

from tests.infra import (
    app_service_rules,
    container_apps_rules,
    gunicorn_rules,
    network_rules,
    operation_rules,
    premium_rules,
    rules,
    site_rules,
)
from tests.infra.bicep import FILES, declarations, edited, parse, parsed, parsed_whole
from tests.infra.network_rule_cases import NETWORK_CASES
from tests.infra.rule_cases import CASES, Rule
from tests.infra.site_rule_cases import SITE_CASES
from tests.infra.web_rule_cases import WEB_CASES

ALL_CASES = CASES | WEB_CASES | SITE_CASES | NETWORK_CASES
MODULES = (
    *(rules, site_rules, network_rules, operation_rules),
    *(premium_rules, app_service_rules, container_apps_rules, gunicorn_rules),
)


@pytest.mark.parametrize(
    ("rule", "path"),
    [(rule, path) for rule, (paths, _) in ALL_CASES.items() for path in paths],
    ids=lambda value: value.__name__ if callable(value) else value.name,
)
def test_rule_holds(rule: Rule, path: Path) -> None:
    assert rule(parse(path)) == []


@pytest.mark.parametrize(
    ("rule", "path", "text", "replacement"),
    [(rule, *change) for rule, (_, changes) in ALL_CASES.items() for change in changes],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_rule_refuses_a_copy_that_breaks_it(
    rule: Rule, path: Path, text: str, replacement: str, tmp_path: Path
) -> None:
    assert rule(edited(path, text, replacement, tmp_path)) != []


def test_every_rule_is_applied() -> None:
    written = {
        value
        for module in MODULES
        for name, value in vars(module).items()
        if getattr(value, "__module__", "") == module.__name__
        and getattr(value, "__annotations__", {}).get("return") == list[str]
        if not name.startswith("_")
    }
    assert written == set(ALL_CASES)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_document_of_the_declarations_is_that_of_the_whole_file(path: Path) -> None:
    text = path.read_text()
    assert len(list(declarations(text))) > 1
    assert parsed(text) == parsed_whole(text)
