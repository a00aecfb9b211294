"""Tokens for Resource Manager, from the credentials that azure-identity finds."""

import asyncio
import logging
from collections.abc import AsyncGenerator

import httpx

from functune.errors import ResourceManagerError, UsageError


class AzureTokens(httpx.Auth):
    """
    Adds a token to each request, and gets a new one where Resource Manager says that it is no longer valid.

    Raises UsageError without azure-identity, ResourceManagerError without any credential that works.
    """

    def __init__(self, endpoint: str) -> None:
        self._scope = f"{endpoint}/.default"
        self._token: str | None = None

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Send the request, and once more with a new token where the first is refused."""
        is_new = self._token is None
        request.headers["authorization"] = f"Bearer {await self._current()}"
        response = yield request
        if response.status_code == httpx.codes.UNAUTHORIZED and not is_new:
            self._token = None
            request.headers["authorization"] = f"Bearer {await self._current()}"
            yield request

    async def _current(self) -> str:
        if self._token is None:
            # azure-identity waits for programs and for the network; its import alone takes some tenths of a second.
            self._token = await asyncio.to_thread(new_token, self._scope)
        return self._token


def new_token(scope: str) -> str:
    """
    A token from a new DefaultAzureCredential, which has no token that was refused.

    Raises as AzureTokens does.
    """
    try:
        from azure.core.exceptions import AzureError
        from azure.identity import DefaultAzureCredential
    except ImportError as error:
        raise UsageError(
            "azure-identity is not installed, and apps on Azure need it: pip install 'functune[azure]'"
        ) from error
    # It logs each failed attempt. Without a handler, Python would print these lines among ours.
    logging.getLogger("azure").addHandler(logging.NullHandler())
    with DefaultAzureCredential() as credential:
        try:
            return credential.get_token(scope).token
        except AzureError as error:
            raise ResourceManagerError(
                "no credential provides a token for Resource Manager: sign in with `az login` or `azd auth login`, or "
                "set AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_CLIENT_SECRET"
            ) from error
