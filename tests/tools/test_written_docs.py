"""What `make docs` and `make schema` write is what stands in docs/."""

from pathlib import Path

import msgspec
import pytest

from functune.marked_block import MarkedBlock
from tools.key_tables import key_table, places
from tools.schemas import FOLDER, SCHEMA_FILES, schema_of

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize("name", SCHEMA_FILES)
def test_published_schema_is_the_one_of_the_types(name: str) -> None:
    assert (ROOT / FOLDER / name).read_text(encoding="utf-8") == schema_of(name), "run `make schema`"


def test_no_other_schema_is_published() -> None:
    assert {path.name for path in (ROOT / FOLDER).iterdir()} == set(SCHEMA_FILES)


@pytest.mark.parametrize(("place", "struct"), places().items(), ids=[place.name for place in places()])
def test_table_of_keys_is_the_one_of_the_types(place: MarkedBlock, struct: type[msgspec.Struct]) -> None:
    page = (ROOT / place.page).read_text(encoding="utf-8")
    assert page == place.filled(page, key_table(place, struct)), "run `make docs`"
