"""A stand-in for Azure around an instance: the identity endpoint of App Service, and Resource Manager with one site."""

import asyncio
import json
from typing import Any

from tests.blueprints.servers import Servers, send

SITE = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-1/providers/Microsoft.Web/sites/func-1"
CLIENT_ID = "6d1f0a52-0c3e-4c39-9b2c-1e2d3c4b5a69"
OBJECT_ID = "5f0c8c0e-object-id-of-the-identity"


def site(scale: Any) -> dict[str, Any]:
    """A site on Flex Consumption as Resource Manager answers it, with properties that the app does not read."""
    return {
        "id": SITE,
        "name": "func-1",
        "type": "Microsoft.Web/sites",
        "properties": {
            "state": "Running",
            "sku": "FlexConsumption",
            "siteConfig": {"numberOfWorkers": 1, "functionAppScaleLimit": None},
            "functionAppConfig": {
                "runtime": {"name": "python", "version": "3.13"},
                "scaleAndConcurrency": scale,
            },
        },
    }


SCALE = {
    "alwaysReady": [{"name": "http", "instanceCount": 2}],
    "instanceMemoryMB": 4096,
    "maximumInstanceCount": 60,
    "triggers": {"http": {"perInstanceConcurrency": 24}},
}
REFUSAL = {
    "error": {
        "code": "AuthorizationFailed",
        "message": f"The client with object id '{OBJECT_ID}' does not have authorization to perform action "
        f"'Microsoft.Web/sites/read' over scope '{SITE}'.",
    }
}


class Azure(Servers):
    """
    Both endpoints on one server. A token is for one resource and one identity, and Resource Manager looks at it.

    ``status`` and ``body`` are what Resource Manager answers. What is asked at the path ``held_path`` is answered once
    ``released`` is set; ``asked`` is set when the first such question has come, ``held`` counts those not answered yet.
    """

    def __init__(self) -> None:
        super().__init__()
        self.status = 200
        self.body = json.dumps(site(SCALE)).encode()
        self.held_path: str | None = None
        self.released = asyncio.Event()
        self.asked = asyncio.Event()
        self.held = 0
        self.address = ""

    @property
    def reads(self) -> int:
        """How often the site was read."""
        return self.calls[SITE]

    @property
    def settings(self) -> dict[str, str]:
        """The environment of an instance: what the platform sets and what the templates set."""
        return {
            "WEBSITE_SKU": "FlexConsumption",
            "WEBSITE_SITE_NAME": "func-1",
            "IDENTITY_ENDPOINT": f"http://{self.address}/msi/token",
            "IDENTITY_HEADER": "sesame",
            "AZURE_CLIENT_ID": CLIENT_ID,
            "SITE_RESOURCE_ID": SITE,
            "RESOURCE_MANAGER_ENDPOINT": f"http://{self.address}/",
            "IDENTITY_ALLOWED_SCOPES": f"http://{self.address}/.default",
        }

    async def start(self) -> str:
        """Start it; returns and keeps its address."""
        self.address = await super().start()
        return self.address

    async def _answer(
        self, path: str, query: dict[str, str], headers: dict[str, str], writer: asyncio.StreamWriter
    ) -> None:
        if path == self.held_path:
            await self._hold()
        if path == "/msi/token" and query.get("client_id") != CLIENT_ID:
            await _send_json(writer, 400, {"statusCode": 400, "message": "No User Assigned Managed Identity found"})
        elif path != SITE:
            await super()._answer(path, query, headers, writer)
        elif headers.get("authorization") != f"Bearer token-for-http://{self.address}":
            await _send_json(writer, 401, {"error": {"code": "InvalidAuthenticationTokenAudience"}})
        elif query != {"api-version": "2024-11-01"}:
            await _send_json(writer, 400, {"error": {"code": "MissingApiVersionParameter"}})
        else:
            await send(writer, self.status, self.body, **{"content-type": "application/json"})

    async def _hold(self) -> None:
        self.held += 1
        self.asked.set()
        try:
            await self.released.wait()
        finally:
            self.held -= 1


async def _send_json(writer: asyncio.StreamWriter, status: int, document: Any) -> None:
    await send(writer, status, json.dumps(document).encode(), **{"content-type": "application/json"})
