"""The errors of an experiment file in words: the key, its value, and the values allowed."""

import re
from typing import Any, get_args

from functune.experiments.model import MOST_LOAD_PROCESSES, Metric, SearchName, Strategy
from functune.experiments.requests import LONGEST_BODY, Method, Order
from functune.experiments.sections import section_at
from functune.setting import KNOBS


def one_of(names: Any) -> str:
    """The values of a Literal type in words: ``"adaptive" or "grid"``."""
    quoted = [f'"{name}"' for name in get_args(names.__value__)]
    return " or ".join([", ".join(quoted[:-1]), quoted[-1]])


ROUTE = "a path that starts with / and holds printable ASCII without spaces; write other characters as %XX, é as %C3%A9"
ALLOWED_VALUES = {
    "name": "1 to 64 lower-case letters, digits and dashes",
    "app": "MODULE:CALLABLE of a WSGI or ASGI app, such as src.app:app",
    "folder": "a folder inside the script root, such as apps/x",
    "routes": ROUTE,
    "route": ROUTE,
    "background": ROUTE,
    "delay_ms": "a whole number of milliseconds from 0 to 10000",
    "urls": "a whole number from 1 to 50",
    "users": "a whole number from 1 to 1000",
    "background_users": "a whole number from 0 to 1000",
    "search": one_of(SearchName),
    "strategy": one_of(Strategy),
    "memory_mb": "a whole number of MB",
    "repeats": "a whole number from 1 to 50",
    "seed": "a whole number from 0",
    "processes": f"a whole number from 1 to {MOST_LOAD_PROCESSES}",
    "workers": f"a whole number from 0 to {MOST_LOAD_PROCESSES}",
    "bind": "ADDRESS:PORT, such as 127.0.0.1:5557",
    "arrivals": "shares of the capacity, above 0 and up to 1.5, such as [0.5, 0.7, 0.85, 0.95]",
    "warm_up": "0.2 to 60 seconds",
    "measure": "1 to 600 seconds",
    "weight": "a number above 0 and up to 1000",
    "expect_status": "a list of statuses from 100 to 599, such as [200, 202]",
    "think_time": "seconds from 0 to 600, or a range of them such as [1, 3]",
    "headers": "a table of texts",
    "order": one_of(Order),
    "body": f"a text of up to {LONGEST_BODY} characters; put a longer one into a body_file",
    "body_file": "the name of a file next to the experiment",
    "values": "the name of a CSV file next to the experiment",
    "locustfile": "the name of a Locust file next to the experiment",
    "free_cores": "a whole number from 1",
    "metric": one_of(Metric),
} | {knob.name: knob.allowed for knob in KNOBS}
"""The values that each key may have, in words; the types of the model enforce it."""
PLACES = {
    "workload.method": '"GET"; [[workload.requests]] take other methods',
    "workload.requests.method": one_of(Method),
    "workload.requests.name": "1 to 64 letters, digits, spaces, dots and dashes",
} | {
    f"{table}.instance.{key}": words
    for table in ("settings", "baseline", "expect.where", "expect.over")
    for key, words in (("cores", "0.01 to 1024 cores"), ("memory_mb", "a whole number of MB from 16"))
}
"""The values of keys whose meaning depends on their table."""
TOML_TYPES = {
    "object": "a table",
    "array": "a list",
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
}
"""The types of values in the words of TOML, by msgspec's name."""
KEY_OF_QUERY = re.compile(r"([?&]code=)[^&]*", re.IGNORECASE)
HIDDEN = "***"
"""Stands for a text that may be a secret."""
PLACE = re.compile(r"(?P<message>.*) - at (`key` in )?`\$(?P<path>.*)`", re.DOTALL)
"""The place that msgspec's message names; none for the table itself."""
LISTS = {*(f"settings.{knob.name}" for knob in KNOBS), "load.users", "workload.routes", "workload.background_users"}
"""Keys that take a list of such values."""


def explain(message: str, table: object, at: str) -> str:
    """
    msgspec's message with the key first and the value, which msgspec does not show.

    ``Expected `int` >= 1 - at `$.load.users[0]` `` becomes ``load.users[0] is 0: allowed: whole ...``.
    """
    located = PLACE.fullmatch(message)
    message, path = (located["message"], located["path"]) if located else (message, "")
    key = path.removesuffix("[...]").lstrip(".")  # an entry of a table is shown with the table
    if (unknown := re.fullmatch(r"Object contains unknown field `(.*)`", message, re.DOTALL)) is not None:
        place = f"{at}{key}.{unknown[1]}" if key else f"{at}{unknown[1]}"
        return f"{place} is unknown: allowed here are {', '.join(allowed_keys(key))}"
    if (missing := re.fullmatch(r"Object missing required field `(.*)`", message)) is not None:
        return f"{at}{key}{'.' if key else ''}{missing[1]} is missing"
    if not message.startswith(("Expected", "Invalid")):  # a sentence of a __post_init__: it names its value
        return f"{at}{key}{': ' if key else ''}{message}"
    allowed = allowed_values(key) or in_toml_words(message)
    return f"{at}{key or 'the table'} is {shown_value(key, value_at(table, key))}: allowed: {allowed}"


def in_toml_words(message: str) -> str:
    """The type that msgspec expects: ``Expected `str | null`, got `int` `` is ``a text``."""
    expected = message.removeprefix("Expected ").partition(", got ")[0]
    return re.sub(
        r"`([^`]*)`",
        lambda found: " or ".join(TOML_TYPES.get(name, name) for name in found[1].split(" | ") if name != "null"),
        expected,
    )


def shown_value(key: str, value: object) -> str:
    """A value in a message, without what may be a secret: texts of tables, a body, and the key of a query."""
    if isinstance(value, dict):
        return str({name: HIDDEN if isinstance(each, str) else each for name, each in value.items()})
    if isinstance(value, str) and key.endswith(".body"):
        return f"{len(value):,} characters long"
    return KEY_OF_QUERY.sub(rf"\1{HIDDEN}", repr(value))


def allowed_values(key: str) -> str | None:
    """The values that a key may have, in words; None for a key that only its type describes."""
    path = re.sub(r"\[\d+\]", "", key)
    name = path.rpartition(".")[2]
    if path in PLACES:
        return PLACES[path]
    if path in LISTS and path == key:
        return f"a list of one or more, each {ALLOWED_VALUES[name]}"
    return ALLOWED_VALUES.get(name)


def value_at(table: object, key: str) -> object:
    """The value at a key such as ``expect[0].where.users``."""
    value: Any = table
    for name, index in re.findall(r"([A-Za-z_]+)|\[(\d+)\]", key):
        value = value[name] if name else value[int(index)]
    return value


def allowed_keys(key: str) -> list[str]:
    """The keys a table may have; ``key`` is empty for the experiment itself."""
    return list(section_at(re.sub(r"\[\d+\]", "", key)).struct.__struct_fields__)
