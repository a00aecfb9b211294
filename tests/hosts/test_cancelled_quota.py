"""A start with a quota that is cancelled."""

import asyncio

import pytest

from functune.hosts.quota import Quota
from functune.shapes import shape_of
from tests.hosts.limited import groups_left, require_control_groups


async def test_no_group_is_left_of_a_start_that_is_cancelled_while_they_are_made() -> None:
    """CTRL+C may come at any moment; the guard then belongs to nobody who would end it."""
    places = require_control_groups()
    making = asyncio.create_task(Quota.make(shape_of("flex-512")))
    async with asyncio.timeout(30):
        while not groups_left(places):
            assert not making.done()
            await asyncio.sleep(0)
        making.cancel()
        with pytest.raises(asyncio.CancelledError):
            await making
    assert groups_left(places) == []
