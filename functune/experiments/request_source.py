"""
The requests that are sent, one after another, made from plain dictionaries: placeholders, rows of values, and a mix.

It needs only the standard library, of any Python that Locust runs on. So it also works in Azure Load Testing, where
it is uploaded with the locustfile. Only the load process uses it with values of the environment, so that they reach no
file and no message.
"""

from __future__ import annotations

import base64
import csv
import json
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
COLUMN = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_-]*)\s*\}\}")
ROUTE_COLUMN = re.compile(r"(?<!\$)\{([A-Za-z_][A-Za-z0-9_-]*)\}")


class OutgoingRequest(NamedTuple):
    """One request as it is sent."""

    kind: ListedRequest
    path: str
    headers: dict[str, str]
    body: bytes | None


class ListedRequest:
    """
    One kind of request, ready to be sent again and again.

    ``listed`` has its ``name``, ``method``, ``route``, the request as ``shown``, ``headers``, ``body`` (text) or
    ``body_base64``, ``is_json``, ``order``, ``weight``, ``expect_status`` and ``think_time``; ``rows`` are its values.
    ``environ`` contains the variables of ``${NAME}``, and ``rng`` chooses random rows. Rows in turn begin at row
    ``first``, from 0, and go on by ``stride`` rows. Raises KeyError for a variable that ``environ`` lacks.
    """

    def __init__(
        self,
        listed: Mapping[str, Any],
        rows: Sequence[Mapping[str, str]],
        *,
        environ: Mapping[str, str],
        rng: random.Random,
        first: int = 0,
        stride: int = 1,
    ) -> None:
        self.name: str = listed["name"]
        self.method: str = listed["method"]
        self.shown: str = listed["shown"]
        self.think_time: Any = listed["think_time"]
        self.expect_status = listed["expect_status"]
        self.is_json: bool = listed["is_json"]
        self.is_random: bool = listed["order"] == "random"
        self.weight: float = listed["weight"]
        self.path = resolved(listed["route"], environ, url_quoted)
        self.headers = {name: resolved(value, environ) for name, value in listed["headers"].items()}
        self.body = body_of(listed, environ)
        self.rows = [{name: resolved(value, environ) for name, value in row.items()} for row in rows]
        self.rng = rng
        self.first, self.stride = first, stride
        self.sent = 0

    def succeeds(self, status: int) -> bool:
        """Whether an answer with this status is a success."""
        return 200 <= status < 300 if self.expect_status is None else status in self.expect_status

    def outgoing(self) -> OutgoingRequest:
        """The next request, with the next row of its values."""
        if not self.rows:
            body = self.body.encode() if isinstance(self.body, str) else self.body
            return OutgoingRequest(self, self.path, self.headers, body)
        turn = self.first + self.sent * self.stride
        row = self.rng.choice(self.rows) if self.is_random else self.rows[turn % len(self.rows)]
        self.sent += 1
        return OutgoingRequest(
            self,
            ROUTE_COLUMN.sub(lambda found: url_quoted(row[found[1]]), self.path),
            {name: COLUMN.sub(lambda found: row[found[1]], value) for name, value in self.headers.items()},
            self.body_with(row),
        )

    def body_with(self, row: Mapping[str, str]) -> bytes | None:
        """The body with the values of a row; inside of JSON that the experiment file contains they are escaped."""
        if not isinstance(self.body, str):
            return self.body
        escape: Callable[[str], str] = json_escaped if self.is_json else str
        return COLUMN.sub(lambda found: escape(row[found[1]]), self.body).encode()


class RequestSource:
    """The requests of a load: one kind, or a mix of several at random by their weights."""

    def __init__(self, kinds: Sequence[ListedRequest], rng: random.Random) -> None:
        self.rng = rng
        self.kinds = list(kinds)
        self.weights = [each.weight for each in kinds]

    def next(self) -> OutgoingRequest:
        """The next request."""
        if len(self.kinds) == 1:
            return self.kinds[0].outgoing()
        [chosen] = self.rng.choices(self.kinds, self.weights)
        return chosen.outgoing()

    def each_once(self) -> Iterator[OutgoingRequest]:
        """One request of every kind."""
        return (each.outgoing() for each in self.kinds)


def read_source(path: Path, environ: Mapping[str, str]) -> RequestSource:
    """
    The requests of a file in which they are listed, with the values from CSV files next to it.

    The order is random in every process, since no process knows how many others there are.
    """
    rng = random.Random()
    kinds = []
    for listed in json.loads(path.read_text(encoding="utf-8")):
        rows: list[dict[str, str]] = []
        if listed["values"] is not None:
            with path.with_name(listed["values"]).open(encoding="utf-8-sig", newline="") as file:
                rows = list(csv.DictReader(file))
        kinds.append(ListedRequest(listed, rows, environ=environ, rng=rng))
    return RequestSource(kinds, rng)


def body_of(listed: Mapping[str, Any], environ: Mapping[str, str]) -> str | bytes | None:
    """The body before values are inserted: text, or bytes for a file that is not UTF-8."""
    if listed["body_base64"] is not None:
        return base64.b64decode(listed["body_base64"])
    if listed["body"] is None:
        return None
    return resolved(listed["body"], environ, json_escaped if listed["is_json"] else str)


def own_seed(seed: int, place: tuple[int, int]) -> int | str:
    """The seed of one load process; of a single one the seed itself. A text cannot be the seed of another repeat."""
    number, count = place
    return seed if count == 1 else f"{seed}, load process {number} of {count}"


def resolved(text: str, environ: Mapping[str, str], escape: Callable[[str], str] = str) -> str:
    """The text with the values of its ``${NAME}``."""
    return VARIABLE.sub(lambda found: escape(environ[found[1]]), text)


def url_quoted(text: str) -> str:
    """A value as a part of a path or query: every reserved character as %XX."""
    return quote(text, safe="")


def json_escaped(text: str) -> str:
    """A value as the inside of a JSON string."""
    return json.dumps(text, ensure_ascii=False)[1:-1]
