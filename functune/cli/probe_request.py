"""The request of a probe, from curl's flags. It is written to no file, so its secrets need no replacement."""

import json
from collections.abc import Sequence
from pathlib import Path

from functune import environ
from functune.errors import UsageError
from functune.experiments.request_source import VARIABLE
from functune.experiments.requests import HEADER_NAME
from functune.probe.target import ProbeRequest


def probe_request(
    route: str, *, method: str | None, headers: Sequence[str], data: str | None, json_body: str | None
) -> ProbeRequest:
    """The request. Raises UsageError, which does not repeat a value, where it cannot be sent."""
    if data is not None and json_body is not None:
        raise UsageError("--data and --json are both given: allowed is one of them")
    path = with_variables(route)
    if not path.startswith("/") or not path.isascii() or any(character.isspace() for character in path):
        raise UsageError(
            "--route takes a path that starts with /, in printable ASCII; write other characters as %XX, é as %C3%A9"
        )
    if method is not None and not (method.isascii() and method.isalpha()):
        raise UsageError(f"-X {method}: allowed is a method such as POST")
    body = content_of(data if json_body is None else json_body)
    if json_body is not None and body is not None:
        require_json(body)
    content_type = "application/x-www-form-urlencoded" if json_body is None else "application/json"
    sent = {} if body is None else {"content-type": content_type}
    for text in headers:
        name, value = named_header(text)
        sent[name.lower()] = value
    return ProbeRequest((method or ("GET" if body is None else "POST")).upper(), path, sent, body)


def named_header(text: str) -> tuple[str, str]:
    """Name and value of ``-H 'NAME: VALUE'``, with the values of its variables."""
    name, sign, given = text.partition(":")
    if not sign or not HEADER_NAME.fullmatch(name.strip()):
        raise UsageError("-H takes 'NAME: VALUE', with a name of letters, digits and dashes")
    value = with_variables(given.strip())
    if not value.isascii() or not value.isprintable():
        raise UsageError(f"the value of -H '{name.strip()}: …' has a character that HTTP does not allow: use ASCII")
    return name.strip(), value


def require_json(body: bytes) -> None:
    """Raise UsageError, which does not repeat the body, where it is not JSON."""
    try:
        json.loads(body)
    except ValueError as error:
        where = f", at character {error.pos + 1}: {error.msg}" if isinstance(error, json.JSONDecodeError) else ""
        raise UsageError(f"--json is not JSON{where}") from error


def content_of(text: str | None) -> bytes | None:
    """The body in a flag's text, or in the file that it names after an ``@``."""
    if text is None or not text.startswith("@"):
        return None if text is None else with_variables(text).encode()
    try:
        return Path(text[1:]).read_bytes()
    except OSError as error:
        raise UsageError(f"the body {text} cannot be read: {error.strerror}") from error


def with_variables(text: str) -> str:
    """The text with the values of its ``${NAME}``. Raises UsageError for a variable that is not set."""
    values = environ.process_environ()
    if missing := sorted({name for name in VARIABLE.findall(text) if name not in values}):
        raise UsageError(f"${{{missing[0]}}} is not set: set {missing[0]} in the environment")
    return VARIABLE.sub(lambda found: values[found[1]], text)
