"""The requests that a load sends, made from the templates of an experiment and their files."""

import base64
import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from functune.experiments.inputs import read_input, read_table
from functune.experiments.request_source import ListedRequest, RequestSource, own_seed
from functune.experiments.requests import RequestTemplate

JSON_TYPE = {"content-type": "application/json"}


def prepared_request(
    template: RequestTemplate,
    *,
    folder: Path,
    environ: Mapping[str, str],
    rng: random.Random,
    place: tuple[int, int] = (0, 1),
) -> ListedRequest:
    """
    One kind of request; ``folder`` contains its files, and the ``place`` is as in ``source_of``.

    Raises ExperimentError for a file that cannot be read, and KeyError for a variable that ``environ`` lacks.
    """
    rows = (
        ()
        if template.values is None
        else read_table(folder / template.values, read_input(folder, template.values)).rows
    )
    return ListedRequest(
        listed_request(template, folder), rows, environ=environ, rng=rng, first=place[0], stride=place[1]
    )


def source_of(
    templates: Sequence[RequestTemplate],
    *,
    folder: Path,
    environ: Mapping[str, str],
    seed: int,
    place: tuple[int, int] = (0, 1),
) -> RequestSource:
    """
    The requests of a load, in an order that the seed decides.

    ``place`` is the number of this load process, from 0, and how many there are. Together they take the rows in turn,
    and each has random numbers of its own.
    """
    rng = random.Random(own_seed(seed, place))
    kinds = [prepared_request(each, folder=folder, environ=environ, rng=rng, place=place) for each in templates]
    return RequestSource(kinds, rng)


def listed_request(template: RequestTemplate, folder: Path) -> dict[str, Any]:
    """
    A request as request_source reads it, with the content of its body and without values of the environment.

    Raises ExperimentError for a file that cannot be read.
    """
    headers = JSON_TYPE if template.json is not None else {}
    given = {name.lower() for name in template.headers}
    body, encoded = body_text(template, folder)
    return {
        "name": template.name,
        "shown": f"{template.method} {template.route}",
        "method": template.method,
        "route": template.route,
        "headers": {name: value for name, value in headers.items() if name not in given} | template.headers,
        "body": body,
        "body_base64": encoded,
        "is_json": template.json is not None,
        "values": template.values,
        "order": template.order,
        "weight": template.weight,
        "expect_status": template.expect_status,
        "think_time": template.think_time,
    }


def body_text(template: RequestTemplate, folder: Path) -> tuple[str | None, str | None]:
    """The body as text, or in base64 for a file that is not UTF-8; neither without a body."""
    if template.json is not None:
        return json.dumps(template.json, ensure_ascii=False), None
    if template.body_file is None:
        return template.body, None
    content = read_input(folder, template.body_file)
    try:
        return content.decode("utf-8"), None
    except UnicodeDecodeError:
        return None, base64.b64encode(content).decode()
