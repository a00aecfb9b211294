"""``[[workload.requests]]``: the keys and the files, each refused with its place, its value and what is allowed."""

from pathlib import Path

import pytest

from functune.errors import ExperimentError
from functune.experiments.file import experiments_toml, read_experiments
from functune.experiments.inputs import check_inputs, require_variables, with_inputs
from functune.experiments.model import Experiment
from functune.experiments.planned import planned_subjects
from functune.experiments.requests import RequestTemplate

HEAD = """
name = "orders"
question = "Does it work?"
load = { users = [1], warm_up = 0.2, measure = 1 }
settings = {}
"""
ORDER = """
[[workload.requests]]
name = "order"
method = "POST"
route = "/api/orders/{id}"
headers = { "content-type" = "application/json", authorization = "${TOKEN}" }
body_file = "order.json"
values = "orders.csv"
weight = 3
expect_status = [200, 202]
think_time = [0.1, 0.3]
"""
LIST = """
[[workload.requests]]
name = "list"
route = "/api/items?limit=20"
"""


def written(folder: Path, text: str = ORDER + LIST, *, head: str = HEAD) -> Experiment:
    (folder / "order.json").write_text('{"id": "{{id}}",\n "lines": [{{lines}}]}')
    (folder / "orders.csv").write_text("id,lines\n1,2\n3,4\n")
    (folder / "asked.toml").write_text(head + text)
    [experiment] = read_experiments(folder / "asked.toml")
    return experiment


def test_requests_are_read(tmp_path: Path) -> None:
    assert written(tmp_path).workload.requests == (
        RequestTemplate(
            name="order",
            method="POST",
            route="/api/orders/{id}",
            headers={"content-type": "application/json", "authorization": "${TOKEN}"},
            body_file="order.json",
            values="orders.csv",
            weight=3,
            expect_status=(200, 202),
            think_time=(0.1, 0.3),
        ),
        RequestTemplate(name="list", route="/api/items?limit=20"),
    )


def test_several_requests_are_one_subject_and_one_request_is_its_own(tmp_path: Path) -> None:
    [mix] = planned_subjects(written(tmp_path))
    assert (mix.request, mix.is_mix, str(mix)) == ("mix", True, "mix of order (75.0 %), list (25.0 %)")
    [single] = planned_subjects(written(tmp_path, ORDER))
    assert (single.request, single.is_mix, str(single)) == ("order", False, "POST /api/orders/{id}")
    every = planned_subjects(written(tmp_path, "workload.alone = true" + ORDER + LIST))
    assert [subject.request for subject in every] == ["mix", "order", "list"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"POST"', '"SEND"', 'workload.requests[0].method is \'SEND\': allowed: "GET", "POST",'),
        ("weight = 3", "weight = 0", "workload.requests[0].weight is 0: allowed: a number above 0"),
        ("[200, 202]", "[99]", "workload.requests[0].expect_status[0] is 99: allowed: a list of statuses"),
        ("[0.1, 0.3]", "[0.3, 0.1]", "workload.requests[0]: think_time is [0.3, 0.1]: allowed is [low, high]"),
        ("[0.1, 0.3]", "[0.3]", "workload.requests[0].think_time is [0.3]: allowed: seconds from 0 to 600"),
        ("weight = 3", "wait = 3", "workload.requests[0].wait is unknown: allowed here are name, method, route"),
        ('values = "orders.csv"', "", "{id} has no value: name a CSV file with the column id as values"),
        ("weight = 3", 'body = "x"', "body and body_file are both given: allowed is one of body, body_file"),
        ('name = "list"', 'name = "order"', "workload: the names of requests is ['order', 'order']: allowed"),
        ('name = "list"', 'name = "mix"', 'workload.requests[1]: name is "mix": this name is reserved'),
        ('name = "list"', 'name = ""', "workload.requests[1].name is '': allowed: 1 to 64 letters"),
        ("content-type", "content type", "headers has the name 'content type': allowed are letters"),
        ('"application/json"', '"a\\nb"', "headers.content-type contains a line break: allowed is one line"),
        ('"application/json"', '"a→b"', "headers.content-type contains '→': allowed are the characters of Latin-1"),
        ("\n[[workload", '\nworkload.routes = ["/x"]\n[[workload', "workload: routes and requests are both given"),
    ],
)
def test_keys_are_refused_with_their_place_and_value(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in ORDER + LIST
    with pytest.raises(ExperimentError) as caught:
        written(tmp_path, (ORDER + LIST).replace(old, new, 1))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (ORDER.replace("${TOKEN}", "hunter2"), "headers.authorization contains a secret"),
        (LIST.replace("limit=20", "code=hunter2"), "route contains a function key in code=…"),
        ('workload.routes = ["/api/x?code=hunter2"]', "routes contains a function key in code=…"),
        ('workload.routes = ["api/x?CODE=hunter2&a=1"]', "routes[0] is 'api/x?CODE=***&a=1': allowed: a path"),
        (
            ORDER.replace('${TOKEN}" }', 'hunter2", x = 1 }'),
            "headers is {'content-type': '***', 'authorization': '***', 'x': 1}",
        ),
        (LIST + f'body = "{"hunter2" * 5000}"', "body is 35,000 characters long: allowed: a text of up to 32768"),
    ],
)
def test_secret_is_refused_and_not_repeated(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ExperimentError) as caught:
        written(tmp_path, text)
    assert message in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("orders.csv", b"id,lines\n1\n", "orders.csv, line 2: the row has 1 values: allowed are 2"),
        ("orders.csv", b"id,lines\n", "orders.csv: it has no row below its column names"),
        ("orders.csv", b"", "orders.csv: it is empty"),
        ("orders.csv", b"id,lines\n\xff,1\n", "orders.csv, line 2: not UTF-8"),
        ("orders.csv", b"key,lines\n1,2\n", "orders.csv, line 1: there is no column id, which the request order uses"),
        ("orders.csv", b"id,id\n1,2\n", "line 1: the columns are ['id', 'id']: allowed is a unique name for each"),
        ("orders.csv", b'id,lines\n1,2\n"",3\n', "orders.csv, line 3: id is empty: allowed is a value"),
        ("orders.csv", b'id,lines\n"1"x,2\n', "orders.csv, line 2: not CSV"),
        ("orders.csv", None, "orders.csv: No such file or directory; the experiment names this file"),
        ("order.json", b'{"id": "{{id}}",\n "lines" [{{lines}}]}', "order.json, line 2: not JSON"),
        ("order.json", b'{"id": "{{ident}}"}', "orders.csv, line 1: there is no column ident"),
        ("order.json", None, "order.json: No such file or directory"),
    ],
)
def test_files_are_refused_with_line_and_value(tmp_path: Path, file: str, content: bytes | None, message: str) -> None:
    experiment = written(tmp_path)
    (tmp_path / file).unlink() if content is None else (tmp_path / file).write_bytes(content)
    with pytest.raises(ExperimentError) as caught:
        check_inputs(experiment, tmp_path)
    assert message in str(caught.value)
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [("class Journey(\n", "journey.py, line 1: not Python"), ("x = 1\n", "journey.py: it defines no class")],
)
def test_locustfile_is_refused_with_its_line(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "journey.py").write_text(content)
    experiment = written(tmp_path, 'workload.locustfile = "journey.py"')
    with pytest.raises(ExperimentError) as caught:
        check_inputs(experiment, tmp_path)
    assert message in str(caught.value)


def test_variable_that_is_not_set_is_refused(tmp_path: Path) -> None:
    experiment = written(tmp_path)
    require_variables(experiment, tmp_path, {"TOKEN"})
    with pytest.raises(ExperimentError, match=r"the request order names \$\{TOKEN\}, and there is no such"):
        require_variables(experiment, tmp_path, {"PATH"})
    (tmp_path / "order.json").write_text('{"id": "{{id}}", "key": "${KEY}"}')
    with pytest.raises(ExperimentError, match=r"order.json names \$\{KEY\}"):
        require_variables(experiment, tmp_path, {"TOKEN"})


def test_copies_of_the_files_are_enough_to_read_the_experiment_again(tmp_path: Path) -> None:
    packed, contents = with_inputs(written(tmp_path), tmp_path)
    assert set(contents) == {"inputs/orders/order.json", "inputs/orders/orders.csv"}
    run = tmp_path / "run"
    for name, content in contents.items():
        (run / name).parent.mkdir(parents=True, exist_ok=True)
        (run / name).write_bytes(content)
    (run / "experiment.toml").write_text(experiments_toml([packed]))
    [again] = read_experiments(run / "experiment.toml")
    assert with_inputs(again, run) == (packed, contents)


def test_two_files_of_the_same_name_are_both_copied(tmp_path: Path) -> None:
    for folder, text in (("a", "x"), ("b", "y")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "body").write_text(text)
    text = ORDER.partition("headers")[0].replace("/{id}", "")
    both = "".join(text.replace('"order"', f'"{name}"') + f'body_file = "{name}/body"\n' for name in ("a", "b"))
    packed, contents = with_inputs(written(tmp_path, both), tmp_path)
    assert contents == {"inputs/orders/body": b"x", "inputs/orders/2-body": b"y"}
    assert [each.body_file for each in packed.workload.requests] == list(contents)
