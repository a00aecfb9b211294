"""
A client of Resource Manager: repeats what can be repeated, and waits until an operation has ended.

Every request that is sent here can be repeated: it reads, or it writes whole values.
"""

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from functune.azure.endpoint import is_loopback
from functune.azure.pace import PACE, Pace
from functune.azure.tokens import AzureTokens
from functune.certificates import system_certificates
from functune.environ import SHORTEST_SECRET
from functune.errors import ResourceManagerError

API_VERSION = "2024-11-01"
"""Of Microsoft.Web: the first with every field that is used here."""
REPEATED = {408, 409, 429, 500, 502, 503, 504}
"""Statuses that another attempt can change; 409 is another operation on the same app."""
_TIMEOUT = 60.0
_SHOWN_MESSAGE = 300
"""Characters of Resource Manager's own message."""
_ADVICE = {
    400: "the request is not as this version of the API wants it",
    401: "the token is not valid there: sign in again, and check the tenant",
    403: "the identity may not do that: it needs the role Website Contributor on the app, or Reader to read it",
    404: "there is no such app, or the identity may not see it: check the resource id",
    409: "another operation on the app did not end in time: repeat the command later",
    429: "it throttles this subscription: repeat the command in a few minutes",
}


class ResourceManager:
    """
    Requests to Resource Manager; each method raises ResourceManagerError.

    Values in ``hidden`` are removed from its messages.
    """

    def __init__(self, client: httpx.AsyncClient, *, pace: Pace) -> None:
        self._client = client
        self._pace = pace
        self.hidden: set[str] = set()

    @classmethod
    @contextlib.asynccontextmanager
    async def opened(cls, endpoint: str, *, pace: Pace = PACE) -> AsyncIterator["ResourceManager"]:
        """A client for the origin ``endpoint``, with the credentials of the user."""
        async with httpx.AsyncClient(
            base_url=endpoint,
            auth=AzureTokens(endpoint),
            timeout=_TIMEOUT,
            verify=system_certificates(),
            trust_env=not is_loopback(endpoint),  # the proxies of the environment
        ) as client:
            yield cls(client, pace=pace)

    async def get(self, path: str) -> dict[str, Any]:
        """The document at a path."""
        return document_of(await self._send("GET", path))

    async def post(self, path: str) -> dict[str, Any]:
        """The answer to an action without a body."""
        return document_of(await self._send("POST", path))

    async def write(self, method: str, path: str, body: Mapping[str, Any]) -> None:
        """PATCH or PUT a document, and wait until the operation has ended."""
        await self._ended(await self._send(method, path, body))

    async def _send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> httpx.Response:
        """The answer to a request, repeated while another attempt can change it."""
        began = time.monotonic()
        for attempt in itertools.count():
            delay = self._pace.retry * 2**attempt
            try:
                # The URL of an operation has the version of its own service, and must be used as it is.
                version = {"api-version": API_VERSION} if path.startswith("/") else None
                answer = await self._client.request(method, path, json=body, params=version)
            except httpx.TransportError as error:
                if time.monotonic() - began + delay > self._pace.give_up:
                    raise ResourceManagerError(
                        f"Resource Manager at {self._client.base_url.host} cannot be reached: {type(error).__name__}"
                    ) from error
            else:
                if answer.status_code < 300:
                    return answer
                delay = retry_after(answer) or delay
                if answer.status_code not in REPEATED or time.monotonic() - began + delay > self._pace.give_up:
                    raise self._refusal(method, path, answer)
            await asyncio.sleep(delay)
        raise AssertionError("unreachable")

    async def _ended(self, answer: httpx.Response) -> None:
        """Follow an accepted operation to its end."""
        began = time.monotonic()
        status_url = answer.headers.get("azure-asyncoperation")
        url = status_url or answer.headers.get("location")
        while url is not None and (answer.status_code == httpx.codes.ACCEPTED or url == status_url):
            delay = retry_after(answer) or self._pace.poll
            if time.monotonic() - began + delay > self._pace.give_up:
                raise ResourceManagerError(f"an operation did not end within {self._pace.give_up:g} s")
            await asyncio.sleep(delay)
            answer = await self._send("GET", self._own(url))
            if url == status_url and self._is_over(document_of(answer)):
                return
            url = status_url or answer.headers.get("location", url)

    def _own(self, url: str) -> str:
        """The URL, which must be of the same origin: the token goes with it."""
        target, own = httpx.URL(url), self._client.base_url
        if (target.scheme, target.host, target.port) != (own.scheme, own.host, own.port):
            raise ResourceManagerError(
                f"Resource Manager refers to {target.host} for the state of an operation: functune sends no token there"
            )
        return url

    def _is_over(self, document: Mapping[str, Any]) -> bool:
        """Whether an operation has ended. Raises ResourceManagerError where it failed."""
        state = str(document.get("status", ""))
        if state.lower() in {"failed", "canceled", "cancelled"}:
            raise ResourceManagerError(f"the operation ended as {state}: {self._said(document)}", code=state)
        return state.lower() == "succeeded"

    def _refusal(self, method: str, path: str, answer: httpx.Response) -> ResourceManagerError:
        try:
            document = document_of(answer)
        except ResourceManagerError:
            document = {}
        code = str(error_of(document).get("code", ""))
        advice = _ADVICE.get(answer.status_code, "repeat the command later")
        return ResourceManagerError(
            f"Resource Manager answered {answer.status_code}{f' ({code})' if code else ''} to {method} of "
            f"{httpx.URL(path).path.rpartition('/providers/')[2]}: {self._said(document) or 'no reason'}; {advice}",
            status=answer.status_code,
            code=code,
        )

    def _said(self, document: Mapping[str, Any]) -> str:
        """The message of an error, without values that are not to be shown."""
        text = str(error_of(document).get("message", ""))
        for value in sorted(self.hidden, key=len, reverse=True):
            text = text.replace(value, "***")
        return text[:_SHOWN_MESSAGE].rstrip(". ")

    def hide(self, values: Mapping[str, str]) -> None:
        """Remove the values of app settings from messages from now on; short ones are in any text by chance."""
        self.hidden |= {value for value in values.values() if len(value) >= SHORTEST_SECRET}


def error_of(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The error in an answer, which older parts of the service write without the word ``error``."""
    found = document.get("error")
    if isinstance(found, dict):
        return found
    return {"code": document.get("Code", ""), "message": document.get("Message", "")}


def document_of(answer: httpx.Response) -> dict[str, Any]:
    """The JSON object in an answer; an empty one for an empty answer. Raises ResourceManagerError for other content."""
    try:
        document = answer.json() if answer.content else {}
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise ResourceManagerError(f"Resource Manager answered {answer.status_code} with something other than JSON")
    return document


def retry_after(answer: httpx.Response) -> float | None:
    """The seconds in Retry-After, which are a number or a date; None without any."""
    text = answer.headers.get("retry-after", "")
    if text.isdecimal():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max((moment.astimezone(UTC) - datetime.now(UTC)).total_seconds(), 0.0)
