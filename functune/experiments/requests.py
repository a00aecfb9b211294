"""
The requests of a workload as types: method, route, headers, body, values from a CSV file, weight, accepted statuses.

A text may contain placeholders. ``{{id}}`` is a column of the CSV file; in a route it is written ``{id}``. ``${NAME}``
is an environment variable of the load process: only that process reads it, so that no file contains its value.
"""

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from functune.experiments.request_source import COLUMN, ROUTE_COLUMN, VARIABLE

type Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
type Route = Annotated[str, Meta(pattern=r"^/[!-~]*\Z")]
type Seconds = Annotated[float, Meta(ge=0, le=600)]
type ThinkTime = Seconds | Annotated[tuple[Seconds, ...], Meta(min_length=2, max_length=2)]
"""
A constant number of seconds, or the ends of a uniform distribution.

Not tuple[Seconds, Seconds]: msgspec 0.22 crashes on a tuple of fixed length in a union.
"""
type Status = Annotated[int, Meta(ge=100, le=599)]
type Order = Literal["in turn", "random"]

MIX, JOURNEY = "mix", "locustfile"
"""The names of a subject that is not a single request: all requests by weight, and the users of a Locust file."""
LONGEST_BODY = 32_768
"""Characters of a body inside the experiment file; a longer one is a body_file."""
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
CREDENTIALS = {"authorization", "proxy-authorization", "cookie", "x-functions-key", "x-api-key", "api-key"}
"""Headers whose value is a secret, in lower case: it has to come from the environment."""
KEY_IN_QUERY = re.compile(r"[?&]code=(?!\$\{)[^&]", re.IGNORECASE)


class RequestTemplate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One kind of request of a workload."""

    name: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_. -]{0,63}\Z")]
    """Its name in the report."""
    method: Method = "GET"
    """The HTTP method."""
    route: Route
    """Path and query; ``{id}`` is a column of ``values``."""
    headers: dict[str, str] = {}
    """Headers by name. Values may contain ``${NAME}`` and ``{{column}}``."""
    body: Annotated[str, Meta(max_length=LONGEST_BODY)] | None = None
    """The body as text."""
    body_file: str | None = None
    """A file next to the experiment that contains the body."""
    json: Any = None
    """The body as a TOML value, sent as JSON with the content type application/json."""
    values: str | None = None
    """A CSV file next to the experiment, with a row per request; its first row names the columns."""
    order: Order = "in turn"
    """Whether rows are taken ``in turn``, or at ``random`` from the seed of the load."""
    weight: Annotated[float, Meta(gt=0, le=1000)] = 1
    """Its share of the mix is its weight over the sum of all weights."""
    expect_status: Annotated[tuple[Status, ...], Meta(min_length=1)] | None = None
    """The statuses of a successful answer; without it, 200 to 299."""
    think_time: ThinkTime | None = None
    """Seconds that a user waits after the answer, or a range; without it, that of the workload."""

    def __post_init__(self) -> None:
        if self.name in (MIX, JOURNEY):
            raise ValueError(f'name is "{self.name}": this name is reserved, rename the request')
        given = [key for key in ("body", "body_file", "json") if getattr(self, key) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} are both given: allowed is one of body, body_file and json")
        require_no_key(self.route, key="route")
        require_headers(self.headers)
        require_ordered(self.think_time)
        if self.values is None and (columns := sorted({*columns_of(self)})):
            raise ValueError(
                f"{{{columns[0]}}} has no value: name a CSV file with the column {columns[0]} as values, "
                "or write %7B and %7D for braces that belong to the path"
            )

    def succeeds(self, status: int) -> bool:
        """Whether an answer with this status is a success."""
        return 200 <= status < 300 if self.expect_status is None else status in self.expect_status

    def __str__(self) -> str:
        return self.route if self.method == "GET" else f"{self.method} {self.route}"


def columns_of(template: RequestTemplate) -> Iterator[str]:
    """The columns that the texts of a request name; those of its body file are not among them."""
    yield from ROUTE_COLUMN.findall(template.route)
    for text in texts_of(template):
        yield from COLUMN.findall(text)


def variables_of(template: RequestTemplate) -> Iterator[str]:
    """The environment variables that the texts of a request name; those of its files are not among them."""
    for text in (template.route, *texts_of(template)):
        yield from VARIABLE.findall(text)


def texts_of(template: RequestTemplate) -> Iterator[str]:
    """The header values and the body in the experiment file."""
    yield from template.headers.values()
    if template.body is not None:
        yield template.body
    if template.json is not None:
        yield msgspec.json.encode(template.json).decode()


def require_no_key(route: str, *, key: str) -> None:
    """Raise ValueError, which does not repeat the route, where it contains a function key."""
    if KEY_IN_QUERY.search(route):
        raise ValueError(
            f"{key} contains a function key in code=…, which would be written into the run folder: omit it and set "
            "FUNCTUNE_KEY, or write code=${NAME} in [[workload.requests]] and set NAME in the environment"
        )


def require_headers(headers: dict[str, str]) -> None:
    """Raise ValueError for a header that cannot be sent, or that contains a secret."""
    for name, value in headers.items():
        if not HEADER_NAME.fullmatch(name):
            raise ValueError(f"headers has the name {name!r}: allowed are letters, digits and dashes")
        if any(character in value for character in "\r\n\0"):
            raise ValueError(f"headers.{name} contains a line break: allowed is one line")
        if not_latin := [character for character in value if ord(character) > 0xFF]:
            raise ValueError(f"headers.{name} contains {not_latin[0]!r}: allowed are the characters of Latin-1")
        if name.lower() in CREDENTIALS and not VARIABLE.search(value):
            raise ValueError(
                f"headers.{name} contains a secret, which would be written into the run folder: "
                'write "${NAME}" and set NAME in the environment'
            )


def require_ordered(think_time: ThinkTime | None) -> None:
    """Raise ValueError where a think time is a range whose end comes before its start."""
    if isinstance(think_time, tuple) and think_time[0] > think_time[1]:
        raise ValueError(f"think_time is {list(think_time)}: allowed is [low, high] with low up to high")
