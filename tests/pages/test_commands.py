"""Every command of README.md and of the tutorial is run by a test, or says on the page what it needs."""

import re
from pathlib import Path

import pytest

from tests.infra.bicep import APP_SERVICE, CONTAINER_APPS, FLEX, PREMIUM, parse
from tests.infra.test_documents import template_of
from tests.pages.commands import NEEDS, PAGES, ROOT, PageCommand, all_commands, calls_in, inline_calls, unknown_words
from tests.pages.elsewhere import ELSEWHERE
from tests.pages.quotes import TYPED

COMMANDS = all_commands()
MARKED = [command for command in COMMANDS if command.needs]


def test_pages_have_commands_of_both_kinds() -> None:
    assert len(MARKED) > 20
    assert len(COMMANDS) - len(MARKED) > 20


@pytest.mark.parametrize("command", [each for each in COMMANDS if not each.needs], ids=lambda each: each.text)
def test_unmarked_command_is_run_by_a_test(command: PageCommand) -> None:
    """Type it in tests/stranger/test_tutorial.py, name its place in elsewhere.py, or mark the block: `Needs …:`."""
    assert command.text in TYPED or command.text in ELSEWHERE


@pytest.mark.parametrize("command", MARKED, ids=lambda each: each.text[:60])
def test_marked_command_begins_with_a_tool_of_what_it_needs(command: PageCommand) -> None:
    assert command.needs in NEEDS
    assert command.text.startswith(NEEDS[command.needs])


def test_no_place_is_left_over() -> None:
    unmarked = {command.text for command in COMMANDS if not command.needs}
    assert sorted(ELSEWHERE.keys() - unmarked) == []
    assert sorted(ELSEWHERE.keys() & TYPED) == []


@pytest.mark.parametrize("text", ELSEWHERE)
def test_place_where_a_command_is_run_has_it(text: str) -> None:
    place = ELSEWHERE[text]
    source = (ROOT / place.file).read_text(encoding="utf-8")
    if place.test:
        (source,) = re.findall(
            rf"^(?:async )?def {place.test}\(.*?(?=^(?:async )?def |^@|\Z)", source, re.MULTILINE | re.DOTALL
        )
    assert place.has in source


@pytest.mark.parametrize("command", COMMANDS, ids=lambda each: each.text[:60])
def test_command_has_only_flags_that_there_are(command: PageCommand) -> None:
    assert [unknown for words in calls_in(command.text) for unknown in unknown_words(words)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_call_in_a_sentence_has_only_flags_that_there_are(page: Path) -> None:
    assert [(words, unknown) for words in inline_calls(page) if (unknown := unknown_words(words))] == []


def test_parameters_of_a_deployment_are_those_of_its_template() -> None:
    deploying = [(template, each.text) for each in MARKED if (template := template_of(each.text))]
    assert deploying
    for template, text in deploying:
        assert set(re.findall(r"(?<=\s)([a-z]\w+)=", text)) <= set(parse(template).parameters), text


def test_outputs_on_the_pages_are_those_of_the_templates() -> None:
    there = {name for template in (FLEX, PREMIUM, APP_SERVICE, CONTAINER_APPS) for name in parse(template).outputs}
    named = set(re.findall(r"<((?:AZURE|SERVICE)_[A-Z_]+)>", " ".join(each.text for each in COMMANDS)))
    assert named
    assert named <= there
