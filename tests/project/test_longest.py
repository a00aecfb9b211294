"""The order of the suite: the files that it begins with."""

from pathlib import Path

from tests.conftest import LONGEST

TESTS = Path(__file__).parents[1]


def test_files_that_are_begun_first_exist() -> None:
    assert [name for name in LONGEST if not (TESTS / name).exists()] == []
