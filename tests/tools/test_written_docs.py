"""What `make docs` and `make schema` write is what stands in docs/."""

from pathlib import Path

import pytest

from functune.marked_block import MarkedBlock
from tools.key_tables import tables
from tools.schemas import FOLDER, schemas

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize(("name", "text"), schemas().items(), ids=list(schemas()))
def test_published_schema_is_the_one_of_the_types(name: str, text: str) -> None:
    assert (ROOT / FOLDER / name).read_text(encoding="utf-8") == text, "run `make schema`"


def test_no_other_schema_is_published() -> None:
    assert {path.name for path in (ROOT / FOLDER).iterdir()} == set(schemas())


@pytest.mark.parametrize(("block", "text"), tables().items(), ids=[block.name for block in tables()])
def test_table_of_keys_is_the_one_of_the_types(block: MarkedBlock, text: str) -> None:
    page = (ROOT / block.page).read_text(encoding="utf-8")
    assert page == block.filled(page, text), "run `make docs`"
