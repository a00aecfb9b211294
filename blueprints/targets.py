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
# The secrets in a url: user information, a function key (code), the signature of a storage url (sig).
_SECRETS = re.compile(r"(?<=//)[^/?#]*(?=@)|(?<=[?&]code=)[^&#]+|(?<=[?&]sig=)[^&#]+", re.IGNORECASE)


@dataclass(frozen=True)
class AllowList:
    """Hosts that may be called, as (host, port); a port of None stands for every port."""

    entries: frozenset[tuple[str, int | None]]

    def permits(self, url: "httpx.URL") -> bool:
        """Whether ``url`` is http or https and its host is on the list."""
        port = _port(url)
        if url.scheme not in _DEFAULT_PORTS or port not in _PORTS:
            return False
        return not self.entries.isdisjoint({(url.host, None), (url.host, port)})

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
            HTTPStatus.BAD_REQUEST, f"{named} is {shown(label(text))}, {reason}; give an absolute http or https url"
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
    if url.scheme not in _DEFAULT_PORTS or not url.host:
        raise refusal("which is not an http or https url with a host")
    if url.userinfo:
        raise ProblemError(HTTPStatus.BAD_REQUEST, f"{named} contains a user name or password; give a url without them")
    if _port(url) not in _PORTS:
        raise refusal(f"whose port is not between {_PORTS[0]} and {_PORTS[-1]}")
    return url


def parse_allow_list(text: str) -> AllowList:
    """Return the list in an app setting. Raises ProblemError (503) for an entry that is not host or host:port."""
    return AllowList(frozenset(_parse_entry(entry.strip()) for entry in text.split(",") if entry.strip()))


def allow_list_of(urls: "list[httpx.URL]") -> AllowList:
    """Return the narrowest list that permits ``urls``: their hosts, each with the port they name or imply."""
    return AllowList(frozenset((url.host, _port(url)) for url in urls))


def label(url: str) -> str:
    """``url`` for a response: user information, ``code`` and ``sig`` are masked, the rest is unchanged."""
    return _SECRETS.sub("***", url)


def _port(url: "httpx.URL") -> int | None:
    """The port a call goes to; None when the url names none and its scheme is neither http nor https."""
    return _DEFAULT_PORTS.get(url.scheme) if url.port is None else url.port


def _parse_entry(entry: str) -> tuple[str, int | None]:
    try:
        parts = urlsplit(f"//{entry}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = None
    # An entry with anything other than host and port (a scheme, a path, a user) would not mean what it says.
    if host is None or parts.netloc != entry or "@" in entry:
        raise ProblemError(
            HTTPStatus.SERVICE_UNAVAILABLE,
            f"the app setting {ALLOWED_HOSTS_SETTING} contains {shown(entry)}; each entry must be host or host:port",
        )
    return host, port
