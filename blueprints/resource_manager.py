"""
The scale settings of this app's own site, read from Azure Resource Manager.

An instance knows neither these settings nor the resource id of its site, which an app setting gives. On Flex
Consumption, WEBSITE_OWNER_NAME does not name the resource group, and WEBSITE_RESOURCE_GROUP is missing
(azure-functions-host, issue 10441).
"""

import asyncio
import importlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from blueprints.answers import ProblemError, shown
from blueprints.credentials import token_async, token_sync
from blueprints.outbound import FetchError, as_fetch_error, async_client, sync_client

if TYPE_CHECKING:
    import httpx

SITE_SETTING = "SITE_RESOURCE_ID"
ENDPOINT_SETTING = "RESOURCE_MANAGER_ENDPOINT"
DEFAULT_ENDPOINT = "https://management.azure.com"
API_VERSION = "2024-11-01"
TIMEOUT_SECONDS = 3.0

# Resource names contain no other characters, so the id needs no encoding in a url.
_SITE_ID = re.compile(
    r"/subscriptions/[\w-]+/resourceGroups/[\w.()-]+/providers/Microsoft\.Web/sites/[\w-]+", re.IGNORECASE
)
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_ADVICE = {
    401: f"check that {ENDPOINT_SETTING} is the Resource Manager of this app's cloud",
    403: "the app's identity may not read its own site: give it the role Reader on the site (in infra/main.bicep "
    "scaleSettingsReaderEnabled); a new role takes some minutes to become effective",
    404: f"there is no such site: check {SITE_SETTING}",
    429: "it throttles this subscription: send fewer requests",
}


class NotReadError(Exception):
    """The scale settings could not be read; the message gives the reason and what to do."""


@dataclass(frozen=True)
class Source:
    """The url of the site in Resource Manager, and the scope of the token for it."""

    url: str
    scope: str


@dataclass(frozen=True)
class ScaleSettings:
    """
    ``functionAppConfig.scaleAndConcurrency`` of a site; None for a value that is not set.

    Resource Manager does not fill in defaults: when the concurrency was never set, ``triggers`` is null.
    ``always_ready`` contains the number of instances by group (``http``, ``blob``, ``durable``, ``function:<NAME>``).
    """

    per_instance_concurrency: int | None
    instance_memory_mb: int | None
    maximum_instance_count: int | None
    always_ready: Mapping[str, int]


def source(environment: Mapping[str, str]) -> Source:
    """Return the source that the app settings name. Raises NotReadError when one is missing or invalid."""
    site = environment.get(SITE_SETTING, "")
    if not site:
        raise NotReadError(
            f"not visible inside an instance, and the app setting {SITE_SETTING} is not set: set it to the resource id "
            "of this site and give the app's identity the role Reader on it (infra/main.bicep does both)"
        )
    if not _SITE_ID.fullmatch(site):
        raise NotReadError(
            f"the app setting {SITE_SETTING} is {shown(site)}; set it to "
            "/subscriptions/<id>/resourceGroups/<group>/providers/Microsoft.Web/sites/<name>"
        )
    endpoint = _endpoint(environment.get(ENDPOINT_SETTING) or DEFAULT_ENDPOINT)
    return Source(f"{endpoint}{site}?api-version={API_VERSION}", f"{endpoint}/.default")


def _endpoint(text: str) -> str:
    """``text`` without a final slash. It receives a token, so it must be https, or stay on this machine."""
    endpoint = text.removesuffix("/")
    try:
        parts = urlsplit(endpoint)
        is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
        # The resolver encodes every name in this way, and raises for an empty or overlong part.
        is_name = bool((parts.hostname or "").encode("idna"))
        is_origin = is_name and parts.port != 0 and endpoint == f"{parts.scheme}://{parts.netloc}"
    except ValueError:
        is_safe = is_origin = False
    if not (is_safe and is_origin) or "@" in endpoint:
        raise NotReadError(
            f"the app setting {ENDPOINT_SETTING} is {shown(text)}; set it to an https origin such as "
            f"{DEFAULT_ENDPOINT} (http only on the loopback interface)"
        )
    return endpoint


def read_sync(source: Source) -> ScaleSettings:
    """
    Read the settings on this thread, with the client and the credential that all threads share. Raises NotReadError.

    The time-out applies to the whole call; getting the token has the time-outs of the credential.
    """
    import httpx

    try:
        headers = _headers(token_sync(source.scope).token)
        response = sync_client().get(source.url, headers=headers, timeout=TIMEOUT_SECONDS)
    except ProblemError as problem:
        raise NotReadError(problem.detail) from problem
    except (httpx.HTTPError, UnicodeError) as error:
        raise _unreachable(as_fetch_error(error, _timeout_ms())) from error
    return parse(response.status_code, response.content)


async def read_async(source: Source) -> ScaleSettings:
    """Get a token and read the settings within TIMEOUT_SECONDS, without blocking the loop. Raises NotReadError."""
    # The first import takes some tenths of a second, which would block the loop.
    await asyncio.to_thread(_import_clients)
    import httpx

    # Before the clock starts: on a small instance, creating the client takes a good part of the time.
    client = async_client()
    try:
        response = await asyncio.wait_for(_get(client, source), TIMEOUT_SECONDS)
    except ProblemError as problem:
        raise NotReadError(problem.detail) from problem
    except asyncio.TimeoutError as error:  # noqa: UP041 - Python 3.10 has two; this name is right in every version
        raise _unreachable(FetchError(f"timed out after {_timeout_ms()} ms")) from error
    except (httpx.HTTPError, UnicodeError) as error:
        raise _unreachable(as_fetch_error(error, _timeout_ms())) from error
    return parse(response.status_code, response.content)


async def _get(client: "httpx.AsyncClient", source: Source) -> "httpx.Response":
    headers = _headers((await token_async(source.scope)).token)
    return await client.get(source.url, headers=headers, timeout=TIMEOUT_SECONDS)


def _import_clients() -> None:
    """Import the packages that a reading needs, so that later imports are fast."""
    for name in ("httpx", "azure.identity.aio", "azure.core.pipeline.transport"):
        importlib.import_module(name)


def _headers(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}", "accept": "application/json"}


def _timeout_ms() -> int:
    return round(TIMEOUT_SECONDS * 1000)


def _unreachable(error: FetchError) -> NotReadError:
    return NotReadError(f"Resource Manager did not answer: {error}")


def parse(status: int, body: bytes) -> ScaleSettings:
    """Return the settings in a response to ``GET site``. Raises NotReadError unless it describes a Flex site."""
    if status != 200:
        raise NotReadError(f"Resource Manager answered {status}: {_ADVICE.get(status, 'ask again later')}")
    try:
        scale = json.loads(body)["properties"]["functionAppConfig"]["scaleAndConcurrency"]
        http = (scale.get("triggers") or {}).get("http") or {}
        return ScaleSettings(
            per_instance_concurrency=_number(http.get("perInstanceConcurrency")),
            instance_memory_mb=_number(scale.get("instanceMemoryMB")),
            maximum_instance_count=_number(scale.get("maximumInstanceCount")),
            always_ready={
                str(group["name"]): _count(group["instanceCount"]) for group in scale.get("alwaysReady") or []
            },
        )
    # The response is not as documented: not JSON, another shape, other types.
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise NotReadError(
            "Resource Manager answered 200 without a usable functionAppConfig.scaleAndConcurrency: check that "
            f"{SITE_SETTING} names a site on Flex Consumption"
        ) from error


def _number(value: Any) -> int | None:
    return None if value is None else _count(value)


def _count(value: Any) -> int:
    if type(value) is not int:  # bool is a subclass of int
        raise TypeError(f"{shown(value)} is not a whole number")
    return value
