"""The base URL of a running app, and URLs in messages."""

import re

import httpx

from functune.errors import UsageError

_QUERY = re.compile(r"([?#]).+", re.DOTALL)
_USER = re.compile(r"^([a-z]+://)?.*@", re.DOTALL | re.IGNORECASE)


def base_url(text: str, *, given: str = "") -> httpx.URL:
    """
    The URL of scheme, name, port and path. ``given`` is what the message begins with, such as ``--host``.

    Raises UsageError, without repeating a key or password in it, when it cannot be the base URL of an app.
    """
    refusal = f"{given} '{shown_url(text)}' is not the base URL of an app".strip()
    try:
        parsed = httpx.URL(text)
        is_base = parsed.scheme in {"http", "https"} and bool(parsed.host)
        # The resolver encodes every name in this way, and raises for an empty or overlong part.
        parsed.raw_host.decode("ascii").encode("idna")
    except (httpx.InvalidURL, UnicodeError) as error:
        raise UsageError(f"{refusal}, such as http://127.0.0.1:7071") from error
    if parsed.userinfo or parsed.query or parsed.fragment:
        raise UsageError(
            f"{refusal}: it holds more than scheme, name, port and path; give a function key as FUNCTUNE_KEY, and the "
            "query with the route"
        )
    if not is_base:
        raise UsageError(f"{refusal}, such as http://127.0.0.1:7071")
    return parsed


def shown_url(text: str) -> str:
    """A URL, or a text that should be one, for a message: whatever can be a key or password in it is masked."""
    if "@" in text:
        # A password may contain any character. After a question mark, the @ and what follows can be of the query.
        rest = "" if re.search("[?#].*@", text, re.DOTALL) else f"@{text.rpartition('@')[2]}"
        scheme = _USER.match(text)
        text = f"{(scheme and scheme[1]) or ''}***{rest}"
    return _QUERY.sub(r"\1***", text)
