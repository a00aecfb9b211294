"""
Tokens from Microsoft Entra ID: a shared sync and a shared async DefaultAzureCredential per worker.

The credential holds the token cache. A new credential per call would call the identity endpoint every time, and that
endpoint throttles.
"""

import atexit
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from blueprints.answers import ProblemError, shown

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken
    from azure.identity import DefaultAzureCredential
    from azure.identity.aio import DefaultAzureCredential as AsyncDefaultAzureCredential

DEFAULT_SCOPE = "https://management.azure.com/.default"
DEFAULT_SCOPES = (DEFAULT_SCOPE, "https://storage.azure.com/.default", "https://vault.azure.net/.default")
SCOPES_SETTING = "IDENTITY_ALLOWED_SCOPES"

_lock = threading.Lock()
_sync_credential: "DefaultAzureCredential | None" = None
_async_credential: "AsyncDefaultAzureCredential | None" = None


@dataclass(frozen=True)
class Acquired:
    """The facts about a token that may be shown: expiry (epoch seconds), time taken, whether it was cached."""

    expires_on: int
    elapsed_ms: float
    cached: bool


class TokenHistory:
    """Remembers the last token of each scope, to distinguish a cached token from a new one. Thread-safe."""

    def __init__(self) -> None:
        # Hashes, salted per process: they are enough to compare tokens and reveal none.
        self._last: dict[str, int] = {}
        self._lock = threading.Lock()

    def seen(self, scope: str, token: str) -> bool:
        """Whether ``token`` is the last one of this scope. Remembers it."""
        with self._lock:
            previous, self._last[scope] = self._last.get(scope), hash(token)
        return previous == hash(token)


_sync_history = TokenHistory()
_async_history = TokenHistory()


def allowed_scope(scope: str | None, environment: Mapping[str, str]) -> str:
    """Return ``scope``, or the default when it is None. Raises ProblemError (403) when it is not allowed."""
    allowed = [entry.strip() for entry in environment.get(SCOPES_SETTING, "").split(",") if entry.strip()]
    scope = DEFAULT_SCOPE if scope is None else scope
    if scope not in (allowed or DEFAULT_SCOPES):
        raise ProblemError(
            HTTPStatus.FORBIDDEN,
            f"scope {shown(scope)} is not allowed; allowed are {', '.join(allowed or DEFAULT_SCOPES)} "
            f"(app setting {SCOPES_SETTING}, separated by commas)",
        )
    return scope


def acquire_sync(scope: str) -> Acquired:
    """Get a token for ``scope`` on this thread. Raises ProblemError (503) when no credential provides one."""
    started = time.perf_counter()
    token = token_sync(scope)
    return _acquired(token, started, _sync_history.seen(scope, token.token))


async def acquire_async(scope: str) -> Acquired:
    """Get a token for ``scope`` off the event loop. Raises ProblemError (503) when no credential provides one."""
    started = time.perf_counter()
    token = await token_async(scope)
    return _acquired(token, started, _async_history.seen(scope, token.token))


def token_sync(scope: str) -> "AccessToken":
    """The token itself, for a call by the app; never part of a response. Raises ProblemError (503)."""
    from azure.core.exceptions import ClientAuthenticationError

    try:
        return _shared_sync().get_token(scope)
    except ClientAuthenticationError as error:
        raise _no_identity(error) from error


async def token_async(scope: str) -> "AccessToken":
    """The token itself, without blocking the event loop. Raises ProblemError (503)."""
    from azure.core.exceptions import ClientAuthenticationError

    try:
        return await _shared_async().get_token(scope)
    except ClientAuthenticationError as error:
        raise _no_identity(error) from error


def _shared_sync() -> "DefaultAzureCredential":
    global _sync_credential
    with _lock:
        if _sync_credential is None:
            from azure.identity import DefaultAzureCredential

            _sync_credential = DefaultAzureCredential(**_options(os.environ))
            atexit.register(_sync_credential.close)
        return _sync_credential


def _shared_async() -> "AsyncDefaultAzureCredential":
    global _async_credential
    if _async_credential is None:
        from azure.core.pipeline.transport import AsyncioRequestsTransport
        from azure.identity.aio import DefaultAzureCredential

        # The default transport of azure.identity.aio needs aiohttp, which the app uses for nothing else. This transport
        # makes the rare call on the loop's default executor. As with the httpx client, nothing can close it after the
        # loop has ended.
        _async_credential = DefaultAzureCredential(transport=AsyncioRequestsTransport(), **_options(os.environ))
    return _async_credential


async def close_async_credential() -> None:
    """Close the credential of this loop, if there is one; the next use creates a new one."""
    global _async_credential
    credential, _async_credential = _async_credential, None
    if credential is not None:
        await credential.close()


def _options(environment: Mapping[str, str]) -> dict[str, Any]:
    return {
        # Functions and App Service set this variable when there is a managed identity. Without it there is none, and
        # the credential would call the instance metadata address until it times out.
        "exclude_managed_identity_credential": not environment.get("IDENTITY_ENDPOINT"),
        # A worker has no interactive user.
        "exclude_interactive_browser_credential": True,
        "exclude_broker_credential": True,
        "exclude_shared_token_cache_credential": True,
        "exclude_visual_studio_code_credential": True,
        # Seconds, chosen so that the response arrives before any gateway gives up: two attempts to connect and read,
        # and about as long for a developer's command line tool.
        "connection_timeout": 3,
        "read_timeout": 5,
        "retry_total": 1,
        "process_timeout": 10,
    }


def _acquired(token: "AccessToken", started: float, cached: bool) -> Acquired:
    return Acquired(token.expires_on, round((time.perf_counter() - started) * 1000, 3), cached)


def _no_identity(error: Exception) -> ProblemError:
    """The error in our own words: the library's message may quote a response of the endpoint, and its log has it."""
    if os.environ.get("IDENTITY_ENDPOINT"):
        advice = (
            "IDENTITY_ENDPOINT is set, so the platform offers a managed identity: check that one is assigned to this "
            "app, and check AZURE_CLIENT_ID if it is user-assigned"
        )
    else:
        advice = (
            "IDENTITY_ENDPOINT is not set, so there is no managed identity here: assign one to the app in Azure; on a "
            "developer's machine run `az login`, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET"
        )
    return ProblemError(
        HTTPStatus.SERVICE_UNAVAILABLE, f"no credential provided a token ({type(error).__name__}); {advice}"
    )
