"""docs/questions.md: each answer is what its command prints."""

from pathlib import Path

import pytest

from functune.experiments.model import Matrix
from tests.hosts.limited import require_control_groups
from tests.page_commands import Block, copied_apps, follow, recorded_run, sections

PAGE = sections((Path(__file__).parents[1] / "docs" / "questions.md").read_text())
THREADS = (1, 16, 64)
LEAST_ANSWERS = 5


@pytest.mark.pages
@pytest.mark.parametrize("blocks", PAGE.values(), ids=PAGE.keys())
def test_question_is_answered_as_the_page_shows(blocks: list[Block], tmp_path: Path) -> None:
    if any("sizes.toml" in block.text for block in blocks):
        require_control_groups("P1v3")
    folder = copied_apps(tmp_path)
    recorded_run(folder / "runs" / "orders", Matrix(thread_count=THREADS))
    recorded_run(folder / "runs" / "web", Matrix(host=("gunicorn:gthread",), thread_count=THREADS))
    follow(blocks, folder)


def test_page_answers_most_questions_by_one_command_each() -> None:
    commands = [sum(block.kind == "console" for block in blocks) for blocks in PAGE.values()]
    assert len(commands) >= LEAST_ANSWERS
    assert commands.count(1) >= LEAST_ANSWERS
