"""
The requests that a load sends: templates with their files read, ``${NAME}`` resolved, and a row of values inserted.

Only the load process uses this module with values of the environment, so that they reach no file and no message.
"""

import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from functune.experiments.inputs import read_input, read_table
from functune.experiments.requests import COLUMN, ROUTE_COLUMN, VARIABLE, RequestTemplate

JSON_TYPE = {"content-type": "application/json"}


class OutgoingRequest(NamedTuple):
    """One request as it is sent."""

    template: RequestTemplate
    path: str
    headers: dict[str, str]
    body: bytes | None


class PreparedRequest:
    """
    One kind of request, ready to be sent again and again.

    ``folder`` contains its files, ``environ`` the variables of ``${NAME}``, and ``rng`` chooses random rows. Raises
    ExperimentError for a file that cannot be read, and KeyError for a variable that ``environ`` lacks.
    """

    def __init__(
        self, template: RequestTemplate, *, folder: Path, environ: Mapping[str, str], rng: random.Random
    ) -> None:
        self.template = template
        self.rng = rng
        self.path = resolved(template.route, environ, url_quoted)
        headers = JSON_TYPE if template.json is not None else {}
        given = {name.lower() for name in template.headers}
        self.headers = {name: value for name, value in headers.items() if name not in given}
        self.headers |= {name: resolved(value, environ) for name, value in template.headers.items()}
        self.body = body_of(template, folder, environ)
        self.rows = rows_of(template, folder, environ)
        self.sent = 0

    def outgoing(self) -> OutgoingRequest:
        """The next request, with the next row of its values."""
        if not self.rows:
            body = self.body.encode() if isinstance(self.body, str) else self.body
            return OutgoingRequest(self.template, self.path, self.headers, body)
        in_turn = self.template.order == "in turn"
        row = self.rows[self.sent % len(self.rows)] if in_turn else self.rng.choice(self.rows)
        self.sent += 1
        return OutgoingRequest(
            self.template,
            ROUTE_COLUMN.sub(lambda found: url_quoted(row[found[1]]), self.path),
            {name: COLUMN.sub(lambda found: row[found[1]], value) for name, value in self.headers.items()},
            self.body_with(row),
        )

    def body_with(self, row: Mapping[str, str]) -> bytes | None:
        """The body with the values of a row; inside of JSON that the experiment file contains they are escaped."""
        if not isinstance(self.body, str):
            return self.body
        escape = json_escaped if self.template.json is not None else str
        return COLUMN.sub(lambda found: escape(row[found[1]]), self.body).encode()


class RequestSource:
    """The requests of a load: one kind, or a mix of several at random by their weights. The seed decides the order."""

    def __init__(
        self,
        templates: Sequence[RequestTemplate],
        *,
        folder: Path,
        environ: Mapping[str, str],
        seed: int,
    ) -> None:
        self.rng = random.Random(seed)
        self.prepared = [PreparedRequest(each, folder=folder, environ=environ, rng=self.rng) for each in templates]
        self.weights = [each.weight for each in templates]

    def next(self) -> OutgoingRequest:
        """The next request."""
        if len(self.prepared) == 1:
            return self.prepared[0].outgoing()
        [chosen] = self.rng.choices(self.prepared, self.weights)
        return chosen.outgoing()

    def each_once(self) -> Iterator[OutgoingRequest]:
        """One request of every kind."""
        return (each.outgoing() for each in self.prepared)


def body_of(template: RequestTemplate, folder: Path, environ: Mapping[str, str]) -> str | bytes | None:
    """The body before values are inserted: text, or bytes for a file that is not UTF-8."""
    if template.json is not None:
        return resolved(json.dumps(template.json, ensure_ascii=False), environ, json_escaped)
    if template.body_file is None:
        return None if template.body is None else resolved(template.body, environ)
    content = read_input(folder, template.body_file)
    try:
        return resolved(content.decode("utf-8"), environ)
    except UnicodeDecodeError:
        return content


def rows_of(template: RequestTemplate, folder: Path, environ: Mapping[str, str]) -> tuple[dict[str, str], ...]:
    """The rows of its CSV file; none without one."""
    if template.values is None:
        return ()
    table = read_table(folder / template.values, read_input(folder, template.values))
    return tuple({name: resolved(value, environ) for name, value in row.items()} for row in table.rows)


def resolved(text: str, environ: Mapping[str, str], escape: Callable[[str], str] = str) -> str:
    """The text with the values of its ``${NAME}``."""
    return VARIABLE.sub(lambda found: escape(environ[found[1]]), text)


def url_quoted(text: str) -> str:
    """A value as a part of a path or query: every reserved character as %XX."""
    return quote(text, safe="")


def json_escaped(text: str) -> str:
    """A value as the inside of a JSON string."""
    return json.dumps(text, ensure_ascii=False)[1:-1]
