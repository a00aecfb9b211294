"""The request of curl's flags, with its secrets kept in the environment."""

import itertools
import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import msgspec

from functune import environ
from functune.errors import UsageError
from functune.experiments.inputs import read_input, read_table
from functune.experiments.messages import PLACE, allowed_values
from functune.experiments.request_source import COLUMN, VARIABLE
from functune.experiments.requests import RequestTemplate

HARMLESS = {"accept", "accept-encoding", "accept-language", "cache-control", "content-type", "user-agent"}
"""Headers whose value is written into the experiment; that of any other may be a secret."""
FORM_CONTENT, JSON_CONTENT = "application/x-www-form-urlencoded", "application/json"


def request_of(
    route: str,
    *,
    method: str | None,
    headers: Sequence[str],
    data: str | None,
    json_body: str | None,
    values: str | None = None,
) -> tuple[RequestTemplate, dict[str, str]]:
    """
    The request of curl's flags, and the secrets in it, as they were typed, by the variable that now contains each.

    Raises UsageError, which does not repeat a value, where it cannot be sent.
    """
    if data is not None and json_body is not None:
        raise UsageError("--data and --json are both given: allowed is one of them")
    secrets: dict[str, str] = {}

    def kept(name: str, typed: str, decode: Callable[[str], str] = str) -> str:
        if VARIABLE.search(typed):
            return typed
        variable = free_variable(name, secrets)
        environ.keep_secret(variable, decode(typed))
        secrets[variable] = typed
        return f"${{{variable}}}"

    def kept_code(found: re.Match[str]) -> str:
        return f"{found[1]}={kept('code', found[2], unquote_plus)}"  # the load encodes the value again

    path = re.sub(r"(?<=[?&])(code)=([^&]+)", kept_code, route, flags=re.IGNORECASE)
    given = dict(map(header_of, headers))
    names = {name.lower() for name in given}
    fields: dict[str, Any] = {"name": "request", "route": path if path.startswith("/") else f"/{path}"}
    fields |= body_fields(data, json_body)
    if "body" in fields:
        fields["body"] = kept("body", fields["body"])
    if values is not None:
        fields["values"] = existing_file("--values", values)
    content_type = (
        {}
        if "content-type" in names or not fields.keys() & {"body", "body_file"}
        else {"content-type": FORM_CONTENT if json_body is None else JSON_CONTENT}
    )
    fields["headers"] = content_type | {
        name: value if name.lower() in HARMLESS else kept(name, value) for name, value in given.items()
    }
    fields["method"] = (method or ("POST" if fields.keys() & {"body", "body_file"} else "GET")).upper()
    try:
        template = msgspec.convert(fields, RequestTemplate)
    except msgspec.ValidationError as error:
        raise UsageError(f"the request cannot be sent: {refusal(str(error))}") from error
    require_columns(secrets, values)
    return template, secrets


def free_variable(name: str, taken: Collection[str]) -> str:
    """The variable for a secret. The headers ``X-A`` and ``X_A`` would have the same, so the second gets a number."""
    numbered = itertools.chain([name], (f"{name}_{number}" for number in itertools.count(2)))
    return next(variable for variable in map(environ.secret_variable, numbered) if variable not in taken)


def refusal(message: str) -> str:
    """What is wrong with a request, without its value, which may be a secret; from the message of msgspec."""
    located = PLACE.fullmatch(message)
    key = "" if located is None else located["path"].lstrip(".")
    allowed = allowed_values(f"workload.requests.{key}")
    return message if allowed is None else f"the {key} is not one that is allowed, which is {allowed}"


def require_columns(secrets: Mapping[str, str], values: str | None) -> None:
    """Raise UsageError where a value that the template does not show names a column that the CSV file lacks."""
    if values is None:
        return
    columns = read_table(Path(values), read_input(Path(), values)).columns
    for variable, value in secrets.items():
        for column in COLUMN.findall(value):
            if column not in columns:
                raise UsageError(
                    f"{values}: there is no column {column}, which {variable} names: allowed are {', '.join(columns)}"
                )


def existing_file(flag: str, name: str) -> str:
    """The name of a file. Raises UsageError where there is none."""
    if not Path(name).is_file():
        raise UsageError(f"{flag}: there is no file {name}")
    return name


def header_of(text: str) -> tuple[str, str]:
    """Name and value of curl's ``-H 'Name: value'``. Raises UsageError, which does not repeat the value."""
    name, sign, value = text.partition(":")
    if not sign:
        raise UsageError("-H takes 'NAME: VALUE', and one has no colon")
    return name.strip(), value.strip()


def body_fields(data: str | None, json_body: str | None) -> dict[str, str]:
    """``body`` or ``body_file`` of a request; empty without a body. Raises UsageError where --json is not JSON."""
    text = data if json_body is None else json_body
    if text is None:
        return {}
    if text.startswith("@"):
        return {"body_file": existing_file("--data" if json_body is None else "--json", text[1:])}
    if json_body is not None:
        try:
            json.loads(VARIABLE.sub("0", COLUMN.sub("0", json_body)))
        except json.JSONDecodeError as error:
            raise UsageError(f"--json is not JSON, at character {error.pos + 1}: {error.msg}") from error
    return {"body": text}
