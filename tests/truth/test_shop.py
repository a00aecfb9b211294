"""Handlers that are functions, swept with real load: the limit of each is named, and its line."""

from pathlib import Path

import pytest

from tests.truth.experiments import Group
from tests.truth.judged import groups_of_suite, require_right_limits


@pytest.mark.usefixtures("called_api")
@pytest.mark.parametrize("group", groups_of_suite(is_shop=True), ids=lambda group: group.names)
async def test_limit_is_named_with_its_line(group: Group, tmp_path: Path) -> None:
    await require_right_limits(group, tmp_path)
