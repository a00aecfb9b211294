"""The requests a load sends, as they are rendered from their templates."""

import json
import random
from pathlib import Path
from typing import Any

from functune.experiments.request_source import ListedRequest
from functune.experiments.requests import RequestTemplate
from functune.load.requests import prepared_request, source_of

ROWS = 'id,note\na b/c,"say ""hi"""\n7,${NOTE}\n8,z\n'


def prepared(folder: Path, **fields: Any) -> ListedRequest:
    (folder / "rows.csv").write_text(ROWS)
    template = RequestTemplate(name="r", **fields)
    return prepared_request(template, folder=folder, environ={"NOTE": 'a "note"', "KEY": "k=/"}, rng=random.Random(1))


def test_values_are_quoted_in_the_path_and_escaped_in_json(tmp_path: Path) -> None:
    request = prepared(
        tmp_path,
        method="POST",
        route="/api/{id}?code=${KEY}",
        headers={"x-note": "{{note}}", "x-key": "v1 ${KEY}"},
        json={"note": "{{note}}", "key": "${KEY}", "n": [1, True]},
        values="rows.csv",
    )
    first, second, _, fourth = (request.outgoing() for _ in range(4))
    assert (first.path, second.path) == ("/api/a%20b%2Fc?code=k%3D%2F", "/api/7?code=k%3D%2F")
    assert first.headers == {"content-type": "application/json", "x-note": 'say "hi"', "x-key": "v1 k=/"}
    assert first.body is not None
    assert second.body is not None
    assert json.loads(first.body) == {"note": 'say "hi"', "key": "k=/", "n": [1, True]}
    assert json.loads(second.body)["note"] == 'a "note"'
    assert fourth == first  # the rows start again


def test_body_file_is_sent_unchanged_but_for_its_placeholders(tmp_path: Path) -> None:
    (tmp_path / "text").write_text('{"id": {{id}}, "{x}": "${KEY}"}')
    (tmp_path / "binary").write_bytes(b"\xff{{id}}")
    text = prepared(tmp_path, route="/", body_file="text", values="rows.csv")
    assert text.outgoing().body == b'{"id": a b/c, "{x}": "k=/"}'
    assert prepared(tmp_path, route="/", body_file="binary", values="rows.csv").outgoing().body == b"\xff{{id}}"


def test_content_type_of_the_experiment_replaces_that_of_json(tmp_path: Path) -> None:
    request = prepared(tmp_path, route="/", headers={"Content-Type": "application/merge-patch+json"}, json={})
    assert request.outgoing().headers == {"Content-Type": "application/merge-patch+json"}


def test_seed_decides_random_rows_and_the_order_of_a_mix(tmp_path: Path) -> None:
    prepared(tmp_path, route="/")
    templates = [
        RequestTemplate(name="a", route="/{id}", values="rows.csv", order="random", weight=3),
        RequestTemplate(name="b", route="/b"),
    ]

    def paths(seed: int) -> list[str]:
        source = source_of(templates, folder=tmp_path, environ={"NOTE": ""}, seed=seed)
        return [source.next().path for _ in range(400)]

    assert paths(1) == paths(1) != paths(2)
    assert set(paths(1)) == {"/a%20b%2Fc", "/7", "/8", "/b"}
    assert 60 < paths(1).count("/b") < 140  # 100 and four standard deviations
    assert [each.path for each in source_of(templates, folder=tmp_path, environ={"NOTE": ""}, seed=1).each_once()][
        1
    ] == "/b"
