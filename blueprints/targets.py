"""Which urls may be fetched: what a url has to look like, and the list of allowed hosts."""

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
# Where a url carries a secret: user information, a function key (code), the signature of a storage url (sig).
_SECRETS = re.compile(r"(?<=//)[^/?#]*(?=@)|(?<=[?&]code=)[^&#]+|(?<=[?&]sig=)[^&#]+", re.IGNORECASE)


@dataclass(frozen=True)
class AllowList:
    """Hosts that may be called: (host, port), a port of None standing for every port."""

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

    The parser is the one that will make the call, so that what is checked is what is called. Raises ProblemError (400)
    naming ``named``, the parameter or field it came in.
    """
    import httpx

    def refusal(reason: str) -> ProblemError:
        return ProblemError(
            HTTPStatus.BAD_REQUEST, f"{named} is {shown(label(text))}, {reason}; give an absolute http or https url"
        )

    if len(text) > _MOST_CHARACTERS:
        raise refusal(f"longer than {_MOST_CHARACTERS} characters")
    # httpx would percent-encode blanks, even in a host, and takes any number for a port.
    if not text.isprintable() or " " in text:
        raise refusal("with a blank or control character in it")
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise refusal("which is no url") from error
    if url.scheme not in _DEFAULT_PORTS or not url.host:
        raise refusal("which is not http or https with a host")
    if url.userinfo:
        raise ProblemError(HTTPStatus.BAD_REQUEST, f"{named} holds a user name or password; give a url without")
    if _port(url) not in _PORTS:
        raise refusal(f"whose port is not from {_PORTS[0]} to {_PORTS[-1]}")
    return url


def parse_allow_list(text: str) -> AllowList:
    """Return the list an app setting spells. Raises ProblemError (503) at an entry that is not host or host:port."""
    return AllowList(frozenset(_parse_entry(entry.strip()) for entry in text.split(",") if entry.strip()))


def allow_list_of(urls: "list[httpx.URL]") -> AllowList:
    """Return the narrowest list that permits ``urls``: their hosts, each with the port they name or imply."""
    return AllowList(frozenset((url.host, _port(url)) for url in urls))


def label(url: str) -> str:
    """``url`` as an answer may show it: as given, with user information, ``code`` and ``sig`` masked."""
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
    # Anything besides host and port (a scheme, a path, a user) makes the entry something else than it says.
    if host is None or parts.netloc != entry or "@" in entry:
        raise ProblemError(
            HTTPStatus.SERVICE_UNAVAILABLE,
            f"the app setting {ALLOWED_HOSTS_SETTING} holds {shown(entry)}; each entry is host or host:port",
        )
    return host, port
