"""The documents keep their word: every command and make target they name exists, every local link leads somewhere."""

import re
from pathlib import Path

import pytest

from functune.cli import main

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def targets() -> set[str]:
    """The targets of the Makefile."""
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_make_target_and_command_named_exists(document: Path) -> None:
    text = document.read_text()
    assert set(re.findall(r"`make ([a-z-]+)", text)) <= targets()
    assert set(re.findall(r"^make ([a-z-]+)", text, re.MULTILINE)) <= targets()
    assert set(re.findall(r"`functune ([a-z]+)", text)) <= set(main.commands)
    assert set(re.findall(r"^functune ([a-z]+)", text, re.MULTILINE)) <= set(main.commands)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_local_link_leads_somewhere(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text())
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_readme_names_every_command() -> None:
    readme = (ROOT / "README.md").read_text()
    assert [command for command in main.commands if f"functune {command}" not in readme] == []


def test_every_make_target_is_explained() -> None:
    makefile = (ROOT / "Makefile").read_text()
    explained = set(re.findall(r"^([a-z-]+):.*## \S", makefile, re.MULTILINE))
    assert targets() == explained


def test_every_test_the_comparison_of_hosts_names_exists() -> None:
    tests = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    written = set(re.findall(r"^(?:async )?def (test_\w+)", tests, re.MULTILINE))
    named = re.findall(r"`(test_\w+)`", (ROOT / "docs" / "local-host.md").read_text())
    assert len(named) > 50
    assert sorted(set(named) - written) == []
