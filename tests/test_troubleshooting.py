"""docs/troubleshooting.md: each cause is proved and each remedy works, by the commands and the changes of the page."""

from pathlib import Path

import pytest

from functune.experiments.model import Matrix
from tests.page_commands import Block, copied_apps, follow, recorded_run, sections

PAGE = sections((Path(__file__).parents[1] / "docs" / "troubleshooting.md").read_text())


@pytest.mark.pages
@pytest.mark.parametrize("blocks", PAGE.values(), ids=PAGE.keys())
def test_symptom_is_proved_and_gone_as_the_page_shows(blocks: list[Block], tmp_path: Path) -> None:
    folder = copied_apps(tmp_path)
    recorded_run(folder / "runs" / "orders", Matrix(thread_count=(1, 16, 64)))
    follow(blocks, folder)
