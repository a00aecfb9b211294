"""
Authorization under ``--enable-auth``: compares the key of a request with the level of a function.

Sources: AuthenticationLevelHandler.cs (where the key is found), AuthUtility.cs (what it opens).
"""

import hmac
from collections.abc import Iterable

from functune.host.settings import AuthKeys
from functune.host.shaping import request_query


def is_admitted(keys: AuthKeys | None, level: str, headers: Iterable[tuple[bytes, bytes]], query: str) -> bool:
    """
    Whether a request with these raw headers and this query string may pass. Without keys every request may.

    ``level`` is ``anonymous``, ``function`` or ``admin``. The header ``x-functions-key`` precedes ``code``.
    """
    if keys is None or level == "anonymous":
        return True
    given = next((value for name, value in headers if name.lower() == b"x-functions-key" and value), None)
    if given is None:
        by_name = {name.lower(): value for name, value in request_query(query).items()}
        given = by_name.get("code", "").encode()
    return _is_same(keys.master, given) or (level == "function" and _is_same(keys.function, given))


def _is_same(key: str, given: bytes) -> bool:
    # Always compared, in constant time, so that the time reveals nothing about the key.
    return hmac.compare_digest(key.encode(), given) and key != ""
