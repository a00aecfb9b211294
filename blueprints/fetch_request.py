"""What a caller asks to be fetched: from the app setting or from the body of a POST."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from blueprints.answers import ProblemError, shown
from blueprints.parameters import IntegerParameter
from blueprints.targets import ALLOWED_HOSTS_SETTING, AllowList, allow_list_of, label, parse_allow_list, parse_url

if TYPE_CHECKING:
    import httpx

URLS_SETTING = "FETCH_URLS"
MOST_URLS = 50
TIMEOUT_MS = IntegerParameter("timeoutMs", minimum=1, maximum=30_000, default=5_000)

_FIELDS = ("urls", "timeoutMs", "maxConcurrency")
# Fifty urls of the greatest length and then some; more is not a request of this kind.
_MOST_BYTES = 128 * 1024


@dataclass(frozen=True)
class FetchRequest:
    """
    Urls to fetch, by the label the answer shows them under.

    ``timeout_ms`` holds for each url; ``max_concurrency`` is how many may be fetched at a time.
    """

    urls: "dict[str, httpx.URL]"
    timeout_ms: int
    max_concurrency: int


@dataclass(frozen=True)
class FetchSettings:
    """The urls of FETCH_URLS and the hosts that may be called."""

    urls: "dict[str, httpx.URL]"
    allowed: AllowList


def fetch_settings() -> FetchSettings:
    """Return what the app settings say. Raises ProblemError (503) naming a setting that cannot be used."""
    return _fetch_settings(os.environ.get(URLS_SETTING, ""), os.environ.get(ALLOWED_HOSTS_SETTING, ""))


@lru_cache(maxsize=1)
def _fetch_settings(urls_text: str, hosts_text: str) -> FetchSettings:
    try:
        urls = _labelled(urls_text.replace(",", " ").split(), named=URLS_SETTING)
    except ProblemError as problem:
        # The caller did nothing wrong: whoever configured the app did.
        raise ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, f"the app setting {problem.detail}") from problem
    allowed = parse_allow_list(hosts_text) if hosts_text.strip() else allow_list_of(list(urls.values()))
    return FetchSettings(urls, allowed)


def request_from_settings(settings: FetchSettings) -> FetchRequest:
    """Return the request FETCH_URLS makes. Raises ProblemError: 503 if it is empty, 403 if a host is not allowed."""
    if not settings.urls:
        raise ProblemError(
            HTTPStatus.SERVICE_UNAVAILABLE,
            f"there is nothing to fetch; set the app setting {URLS_SETTING} to 1 to {MOST_URLS} urls "
            'separated by commas, or POST {"urls": [...]}',
        )
    return _allowed(FetchRequest(settings.urls, TIMEOUT_MS.default, len(settings.urls)), settings.allowed)


def request_from_body(body: bytes, allowed: AllowList) -> FetchRequest:
    """
    Return the request a POST body makes: ``{"urls": [...], "timeoutMs": n, "maxConcurrency": n}``.

    One url with a forbidden host refuses the whole request before anything is fetched: it is the caller's mistake,
    and a mistake should not be half carried out. Raises ProblemError: 400, 403 or 413.
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
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body has {len(body)} bytes; at most {_MOST_BYTES} are read"
        )
    try:
        document = json.loads(body)
    # The parser recurses once for each level: a body of brackets alone ends it this way.
    except (ValueError, RecursionError) as error:
        raise ProblemError(
            HTTPStatus.BAD_REQUEST,
            'the body is not JSON; send {"urls": [...]} with a Content-Length (the host drops chunked bodies)',
        ) from error
    if not isinstance(document, dict):
        raise ProblemError(HTTPStatus.BAD_REQUEST, f'the body is {shown(document)}; send {{"urls": [...]}}')
    # A knob that is mistyped would otherwise be ignored without a word.
    if unknown := sorted(set(document) - set(_FIELDS)):
        raise ProblemError(
            HTTPStatus.BAD_REQUEST, f"the body has {shown(unknown[0])}; it may have {', '.join(_FIELDS)}"
        )
    return document


def _labelled(texts: Sequence[str], *, named: str) -> "dict[str, httpx.URL]":
    """Urls by label. Refuses doubles: results are keyed by url, and fetching one less would skew the comparison."""
    if len(texts) > MOST_URLS:
        raise ProblemError(HTTPStatus.BAD_REQUEST, f"{named} has {len(texts)} urls; give 1 to {MOST_URLS}")
    urls = {}
    for index, text in enumerate(texts):
        if label(text) in urls:
            raise ProblemError(
                HTTPStatus.BAD_REQUEST,
                f"{named}[{index}] is {shown(label(text))} again; results are keyed by url, so tell equal ones apart "
                "by a query parameter, as in ?n=1 and ?n=2",
            )
        urls[label(text)] = parse_url(text, named=f"{named}[{index}]")
    return urls


def _allowed(request: FetchRequest, allowed: AllowList) -> FetchRequest:
    for url in request.urls.values():
        allowed.require(url)
    return request
