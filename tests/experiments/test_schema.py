"""The JSON Schema of experiment files agrees with their reader, and describes every key."""

import copy
import datetime
import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from functune.errors import ExperimentError
from functune.experiments.file import experiment_of, experiments_toml, read_experiments
from functune.experiments.schema import experiment_schema
from functune.experiments.sections import Section, format_in_short, keys_of, sections

ROOT = Path(__file__).parent.parent.parent
SCHEMA: dict[str, Any] = json.loads(experiment_schema())
SHIPPED = sorted((ROOT / "experiments").glob("*.toml"))
FREE = {"headers", "app_settings", "json"}
"""Tables whose keys the reader of the file does not know."""
WHOLE = """
name = "every-key"
question = "Is every key known?"
lesson = "All are."
app = "src.app:app"
folder = "apps/x"
objective = "p95 < 300ms"
strategy = "balanced"
memory_mb = 512
[[workload.requests]]
name = "order"
method = "POST"
route = "/api/orders/{id}"
headers = { x-api-key = "${KEY}" }
json = { id = "{{id}}" }
values = "orders.csv"
order = "random"
weight = 2.5
expect_status = [200, 202]
think_time = [1, 3]
[[workload.requests]]
name = "text"
route = "/api/text"
body = "text"
[[workload.requests]]
name = "file"
route = "/api/file"
body_file = "file.json"
[workload]
alone = true
think_time = 0.5
background = "/api/other"
background_users = [0, 2]
target = { delay_ms = 5, urls = 2 }
[settings]
thread_count = [4, "unset"]
process_count = [1]
limiter_tokens = ["unset"]
per_instance_concurrency = ["unset"]
app_settings = [{}, { A = "1" }]
host = ["local"]
instance = ["unset", "flex-512", { cores = 0.5, memory_mb = 1024 }]
[load]
users = [1, 4]
warm_up = 0.5
measure = 1
search = "grid"
repeats = 2
seed = 3
processes = 1
workers = 0
bind = "127.0.0.1:5557"
arrivals = [0.5]
[baseline]
thread_count = 4
process_count = 1
limiter_tokens = "unset"
per_instance_concurrency = "unset"
app_settings = { A = "1" }
host = "local"
instance = "flex-512"
[[expect]]
claim = "It is twice as fast"
metric = "throughput"
free_cores = 1
at_least = 1.8
at_most = 2.2
[expect.where]
thread_count = 4
process_count = 1
limiter_tokens = "unset"
per_instance_concurrency = "unset"
app_settings = { A = "1" }
host = "local"
instance = "flex-512"
users = 4
background_users = 2
route = "/api/text"
[expect.over]
thread_count = 4
app_settings = {}
instance = { cores = 0.5, memory_mb = 1024 }
users = 1
background_users = 0
route = "/api/text"
"""


def schema_refuses(document: object) -> bool:
    return not jsonschema.Draft7Validator(SCHEMA).is_valid(document)


def reader_refuses(table: object) -> bool:
    try:
        experiment_of(table, source="x.toml", at="")
    except ExperimentError:
        return True
    return False


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of every key and every entry of a list, except for those in free tables."""
    if path and path[-1] in FREE and not isinstance(value, list):
        return
    for key, each in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*path, key)
        if not (path and path[-1] in FREE):
            yield from places(each, (*path, key))


def table_at(document: Any, path: tuple[str | int, ...]) -> Any:
    for key in path:
        document = document[key]
    return document


def test_schema_is_one() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_experiments_are_of_the_schema(path: Path) -> None:
    jsonschema.Draft7Validator(SCHEMA).validate(tomllib.loads(path.read_text(encoding="utf-8")))


def test_run_folders_have_experiments_of_the_schema() -> None:
    every = [experiment for path in SHIPPED for experiment in read_experiments(path)]
    jsonschema.Draft7Validator(SCHEMA).validate(tomllib.loads(experiments_toml(every)))
    assert schema_refuses({"experiment": []})
    assert schema_refuses({"experiment": [{}]})


def test_file_with_every_key_is_accepted_by_both() -> None:
    document = tomllib.loads(WHOLE)
    experiment_of(document, source="x.toml", at="")
    jsonschema.Draft7Validator(SCHEMA).validate(document)
    named = {key for path in places(document) for key in path}
    assert {key for section in sections() for key in section.struct.__struct_fields__} - named == {
        "routes",  # exclude the others
        "locustfile",
    }


@pytest.mark.parametrize("path", list(places(tomllib.loads(WHOLE))), ids=lambda path: ".".join(map(str, path)))
def test_what_the_reader_refuses_the_schema_refuses(path: tuple[str | int, ...]) -> None:
    """Every key misspelt, and every value of a type that none of them has."""
    document = tomllib.loads(WHOLE)
    *above, last = path
    if isinstance(last, str):
        misspelt = copy.deepcopy(document)
        table = table_at(misspelt, tuple(above))
        table[f"{last}x"] = table.pop(last)
        assert reader_refuses(misspelt)
        assert schema_refuses(misspelt)
    if last != "json":
        retyped = copy.deepcopy(document)
        table_at(retyped, tuple(above))[last] = datetime.date(2026, 1, 1)
        assert reader_refuses(retyped)
        assert schema_refuses(retyped)


@pytest.mark.parametrize(
    "change",
    [
        "load.users = [0]",
        "load.users = [1001]",
        "load.users = []",
        "load.users = [1, 1]",
        "load.measure = 0.5",
        "load.search = 'fast'",
        "load.processes = 65",
        "load.arrivals = [2]",
        "settings.process_count = [11]",
        "settings.process_count = [1, 1]",
        "settings.thread_count = ['none']",
        "settings.instance = ['flex-513']",
        "settings.instance = [{ core = 1, memory_mb = 512 }]",
        "workload.routes = ['api/a']",
        "workload.routes = ['/a', '/a']",
        "workload.method = 'POST'",
        "workload.locustfile = 'journey.py'",
        "memory_mb = 1024",
        "name = 'Upper'",
        "question = ''",
        "expect = [{ claim = 'x', metric = 'throughput', where = {} }]",
        "expect = [{ claim = 'x', metric = 'speed', where = {}, at_least = 1 }]",
    ],
)
def test_value_out_of_range_is_refused_by_both(change: str) -> None:
    document: dict[str, Any] = {
        "name": "x",
        "question": "q",
        "workload": {"routes": ["/a"]},
        "settings": {},
        "load": {"users": [1], "warm_up": 0.5, "measure": 1},
    }
    assert not reader_refuses(document)
    assert not schema_refuses(document)
    for key, value in tomllib.loads(change).items():
        document[key] = document[key] | value if isinstance(value, dict) else value
    assert reader_refuses(document)
    assert schema_refuses(document)


def test_misspelt_key_is_one_error_at_its_table() -> None:
    """An editor underlines what an error is about, which a choice between whole schemas would make all of the file."""
    document = tomllib.loads(WHOLE)
    document["settings"]["thread_cuont"] = document["settings"].pop("thread_count")
    [error] = jsonschema.Draft7Validator(SCHEMA).iter_errors(document)
    assert list(error.path) == ["settings"]
    assert "'thread_cuont' was unexpected" in error.message


def test_two_bodies_of_a_request_are_refused_by_both() -> None:
    document = tomllib.loads(WHOLE)
    document["workload"]["requests"][1]["body_file"] = "text.txt"
    assert reader_refuses(document)
    assert schema_refuses(document)


def test_every_key_has_a_description_and_none_is_in_terms_of_python() -> None:
    for section in sections():
        properties = SCHEMA["$defs"][section.struct.__name__]["properties"]
        assert [key for key, value in properties.items() if not value.get("description")] == []
        assert [key for key, value in properties.items() if "null" in value["description"]] == []
    assert '"null"' not in json.dumps(SCHEMA)
    assert r"\\Z" not in json.dumps(SCHEMA)


def test_sections_are_the_tables_of_the_file() -> None:
    headings = [section.heading for section in sections()]
    assert headings[:4] == ["", "[workload]", "[[workload.requests]]", "[workload.target]"]
    assert {"[settings]", "[load]", "[baseline]", "[[expect]]", "[expect.where]", "[expect.over]"} < set(headings)


@pytest.mark.parametrize("section", sections(), ids=lambda section: section.path or "experiment")
def test_short_form_has_every_key_of_every_table(section: Section) -> None:
    lines = format_in_short().replace("\n    ", " ").splitlines()
    [line] = [line for line in lines if section.heading in line and line.endswith(" ".join(keys_of(section.struct)))]
    assert line
