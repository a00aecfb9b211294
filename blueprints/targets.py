"""Checks the urls to fetch: their form, and the list of allowed hosts."""

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from blueprints.answers import ProblemError, shown

if TYPE_CHECKING:
    import httpx

ALLOWED_HOSTS_SETTING = "FETCH_ALLOWED_HOSTS"

_MOST_CHARACTERS = 2048
_DEFAULT_PORTS = {"http": 80, "https": 443}
_PORTS = range(1, 65_536)
# A name in ASCII (IDNA), or an address; httpx lets more through, such as a backslash.
_HOST = re.compile(rb"[\w.:-]+")
_SCHEME = re.compile(r"(?:[a-z]+://)?", re.IGNORECASE)


@dataclass(frozen=True)
class AllowList:
    """Hosts that may be called, as (host in ASCII, port); a port of None stands for every port."""

    entries: frozenset[tuple[bytes, int | None]]

    def permits(self, url: "httpx.URL") -> bool:
        """Whether ``url`` is http or https and its host is on the list."""
        port = _port(url)
        if url.scheme not in _DEFAULT_PORTS or port not in _PORTS:
            return False
        return not self.entries.isdisjoint({(url.raw_host, None), (url.raw_host, port)})

    def require(self, url: "httpx.URL") -> None:
        """Raise ProblemError (403) unless the url is permitted."""
        if not self.permits(url):
            raise ProblemError(
                HTTPStatus.FORBIDDEN,
                f"host {shown(url.netloc.decode('ascii'))} is not allowed; add it to the app setting "
                f"{ALLOWED_HOSTS_SETTING} (host or host:port, separated by commas) to let this app call it",
            )


def parse_url(text: str, *, named: str) -> "httpx.URL":
    """
    Return ``text`` as an absolute http or https url without credentials.

    It uses the parser of the client that makes the call, so the checked url is the called url. ``named`` is the
    parameter or field that holds the url. Raises ProblemError (400), which names it.
    """
    import httpx

    def refusal(reason: str) -> ProblemError:
        return ProblemError(
            HTTPStatus.BAD_REQUEST,
            f"{named} is {shown(_without_user(text))}, {reason}; give an absolute http or https url",
        )

    if len(text) > _MOST_CHARACTERS:
        raise refusal(f"which is longer than {_MOST_CHARACTERS} characters")
    # httpx percent-encodes blanks, even in a host, and accepts any number as a port.
    if not text.isprintable() or " " in text:
        raise refusal("which contains a blank or control character")
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise refusal("which is not a url") from error
    if url.scheme not in _DEFAULT_PORTS or not url.raw_host:
        raise refusal("which is not an http or https url with a host")
    if url.userinfo:
        raise ProblemError(HTTPStatus.BAD_REQUEST, f"{named} contains a user name or password; give a url without them")
    if not _is_callable(url):
        raise refusal("whose host is not a valid name or address")
    if _port(url) not in _PORTS:
        raise refusal(f"whose port is not between {_PORTS[0]} and {_PORTS[-1]}")
    return url


def parse_allow_list(text: str) -> AllowList:
    """Return the list in an app setting. Raises ProblemError (503) for an entry that is not host or host:port."""
    return AllowList(frozenset(_parse_entry(entry.strip()) for entry in text.split(",") if entry.strip()))


def allow_list_of(urls: "list[httpx.URL]") -> AllowList:
    """Return the narrowest list that permits ``urls``: their hosts, each with the port they name or imply."""
    return AllowList(frozenset((url.raw_host, _port(url)) for url in urls))


def _is_callable(url: "httpx.URL") -> bool:
    """Whether its host can be looked up: httpx and the resolver raise for a name they cannot decode or encode."""
    try:
        return bool(url.host) and _HOST.fullmatch(url.raw_host.decode("ascii").encode("idna")) is not None
    except UnicodeError:
        return False


def _without_user(text: str) -> str:
    """A text that is refused, without anything that can be a password: it may contain any character."""
    before, at, after = text.rpartition("@")
    if not at:
        return text
    scheme = _SCHEME.match(text)
    assert scheme is not None
    # After a question mark the last @ can also be in the query, and what follows it too.
    is_in_query = "?" in before or "#" in before
    return f"{scheme[0]}***" if is_in_query else f"{scheme[0]}***@{after}"


def _port(url: "httpx.URL") -> int | None:
    """The port a call goes to; None when the url names none and its scheme is neither http nor https."""
    return _DEFAULT_PORTS.get(url.scheme) if url.port is None else url.port


def _parse_entry(entry: str) -> tuple[bytes, int | None]:
    import httpx

    try:
        parts = urlsplit(f"//{entry}")
        url, port = httpx.URL(f"http://{entry}"), parts.port
        # An entry with anything other than host and port (a scheme, a path, a user) would not mean what it says.
        is_host = parts.netloc == entry and "@" not in entry and _is_callable(url)
    except (ValueError, httpx.InvalidURL):
        is_host = False
    if not is_host:
        raise ProblemError(
            HTTPStatus.SERVICE_UNAVAILABLE,
            f"the app setting {ALLOWED_HOSTS_SETTING} contains {shown(_without_user(entry))}; each entry must be host "
            "or host:port",
        )
    return url.raw_host, port
