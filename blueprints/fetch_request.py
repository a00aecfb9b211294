"""The urls to fetch, from the app setting or from the body of a POST."""

import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from blueprints.answers import ProblemError, label, shown
from blueprints.parameters import IntegerParameter
from blueprints.targets import ALLOWED_HOSTS_SETTING, AllowList, allow_list_of, parse_allow_list, parse_url

if TYPE_CHECKING:
    import httpx

URLS_SETTING = "FETCH_URLS"
MOST_URLS = 50
TIMEOUT_MS = IntegerParameter("timeoutMs", minimum=1, maximum=30_000, default=5_000)

_FIELDS = ("urls", "timeoutMs", "maxConcurrency")
# Room for 50 urls of the maximum length; a larger body is not a valid request.
_MOST_BYTES = 128 * 1024


@dataclass(frozen=True)
class FetchRequest:
    """
    The urls to fetch, by their label in the response.

    ``timeout_ms`` applies to each url; ``max_concurrency`` is how many are fetched at a time.
    """

    urls: "dict[str, httpx.URL]"
    timeout_ms: int
    max_concurrency: int


@dataclass(frozen=True)
class FetchSettings:
    """The urls of FETCH_URLS, and the hosts that may be called."""

    urls: "dict[str, httpx.URL]"
    allowed: AllowList


def fetch_settings() -> FetchSettings:
    """Return the values of the app settings. Raises ProblemError (503), which names the invalid setting."""
    return _fetch_settings(os.environ.get(URLS_SETTING, ""), os.environ.get(ALLOWED_HOSTS_SETTING, ""))


@lru_cache(maxsize=1)
def _fetch_settings(urls_text: str, hosts_text: str) -> FetchSettings:
    texts = urls_text.replace(",", " ").split()
    for index, (before, text) in enumerate(pairwise(texts), 1):
        if "?" in before and "://" not in text:  # shown, it could be the rest of a secret
            raise ProblemError(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"the app setting {URLS_SETTING}[{index}] has no scheme, and a query is before it; write a comma in a "
                "url as %2C and a blank as %20",
            )
    try:
        urls = _labelled(texts, named=URLS_SETTING)
    except ProblemError as problem:
        # The fault is in the configuration of the app, not in the request.
        raise ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, f"the app setting {problem.detail}") from problem
    allowed = parse_allow_list(hosts_text) if hosts_text.strip() else allow_list_of(list(urls.values()))
    return FetchSettings(urls, allowed)


def request_from_settings(settings: FetchSettings) -> FetchRequest:
    """Return the request for FETCH_URLS. Raises ProblemError: 503 if it is empty, 403 if a host is not allowed."""
    if not settings.urls:
        raise ProblemError(
            HTTPStatus.SERVICE_UNAVAILABLE,
            f"there is nothing to fetch; set the app setting {URLS_SETTING} to 1 to {MOST_URLS} urls "
            'separated by commas, or POST {"urls": [...]}',
        )
    return _allowed(FetchRequest(settings.urls, TIMEOUT_MS.default, len(settings.urls)), settings.allowed)


def request_from_body(body: bytes, allowed: AllowList) -> FetchRequest:
    """
    Return the request in a POST body: ``{"urls": [...], "timeoutMs": n, "maxConcurrency": n}``.

    If the host of one url is not allowed, the whole request is refused before anything is fetched, so that a mistake
    is not half carried out. Raises ProblemError: 400, 403 or 413.
    """
    document = _json_object(body)
    urls = document.get("urls")
    if not (isinstance(urls, list) and all(isinstance(url, str) for url in urls)):
        raise ProblemError(
            HTTPStatus.BAD_REQUEST, f"urls is {shown(urls)}; give a list of 1 to {MOST_URLS} url strings"
        )
    labelled = _labelled(urls, named="urls")
    if not labelled:
        raise ProblemError(HTTPStatus.BAD_REQUEST, f"urls is empty; give 1 to {MOST_URLS} urls")
    max_concurrency = IntegerParameter("maxConcurrency", minimum=1, maximum=MOST_URLS, default=len(labelled))
    request = FetchRequest(
        labelled,
        TIMEOUT_MS.from_json(document.get("timeoutMs", TIMEOUT_MS.default)),
        max_concurrency.from_json(document.get("maxConcurrency", max_concurrency.default)),
    )
    return _allowed(request, allowed)


def _json_object(body: bytes) -> dict[str, Any]:
    if len(body) > _MOST_BYTES:
        raise ProblemError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body has {len(body)} bytes; at most {_MOST_BYTES} are allowed"
        )
    try:
        document = json.loads(body)
    # The parser recurses once per level: a body of nothing but brackets raises RecursionError.
    except (ValueError, RecursionError) as error:
        raise ProblemError(
            HTTPStatus.BAD_REQUEST,
            'the body is not JSON; send {"urls": [...]} with a Content-Length (the host drops chunked bodies)',
        ) from error
    if not isinstance(document, dict):
        raise ProblemError(HTTPStatus.BAD_REQUEST, f'the body is {shown(document)}; send {{"urls": [...]}}')
    # A mistyped name would otherwise be ignored silently.
    if unknown := sorted(set(document) - set(_FIELDS)):
        raise ProblemError(
            HTTPStatus.BAD_REQUEST, f"the body has {shown(unknown[0])}; it may have {', '.join(_FIELDS)}"
        )
    return document


def _labelled(texts: Sequence[str], *, named: str) -> "dict[str, httpx.URL]":
    """
    Urls by label; of those with the same label, each after the first has its number added.

    Refuses duplicates: they are most likely a mistake, and one fetch less or more would skew the comparison.
    """
    if len(texts) > MOST_URLS:
        raise ProblemError(HTTPStatus.BAD_REQUEST, f"{named} has {len(texts)} urls; give 1 to {MOST_URLS}")
    urls: dict[str, httpx.URL] = {}
    times: Counter[str] = Counter()
    for index, text in enumerate(texts):
        if text in texts[:index]:
            raise ProblemError(
                HTTPStatus.BAD_REQUEST,
                f"{named}[{index}] is {shown(text)} again; make equal urls different with a query parameter, such as "
                "?n=1 and ?n=2",
            )
        url, name = parse_url(text, named=f"{named}[{index}]"), label(text)
        times[name] += 1
        urls[name if times[name] == 1 else f"{name} ({times[name]})"] = url
    return urls


def _allowed(request: FetchRequest, allowed: AllowList) -> FetchRequest:
    for url in request.urls.values():
        allowed.require(url)
    return request
