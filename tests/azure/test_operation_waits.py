"""How long an operation of Resource Manager is waited for."""

import time

import httpx
import pytest

from functune.azure.manager import ResourceManager
from functune.azure.pace import Pace
from functune.errors import ResourceManagerError


async def test_operation_that_asks_to_wait_for_a_day_is_given_up_at_once() -> None:
    """The app would keep the settings of a sweep for as long."""

    def accepted(request: httpx.Request) -> httpx.Response:
        return httpx.Response(202, headers={"location": str(request.url), "retry-after": "86400"})

    began = time.monotonic()
    async with httpx.AsyncClient(base_url="https://arm.test", transport=httpx.MockTransport(accepted)) as client:
        manager = ResourceManager(client, pace=Pace(give_up=60.0))
        with pytest.raises(ResourceManagerError, match="an operation did not end within 60 s"):
            await manager.write("PUT", "/sites/x", {})
    assert time.monotonic() - began < 60.0
