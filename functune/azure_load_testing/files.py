"""The folder of a load test: its configuration, the Locust file, the requests and their data, all in one place."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from functune.azure_load_testing.asked import ASKED, AskedLoadTest
from functune.azure_load_testing.configuration import configuration, yaml_text
from functune.errors import UsageError
from functune.experiments import request_source
from functune.experiments.file import experiments_toml
from functune.experiments.inputs import read_input, with_inputs
from functune.experiments.model import Experiment
from functune.experiments.requests import RequestTemplate
from functune.load.processes import LOCUSTFILE
from functune.load.requests import listed_request
from functune.run.folder import EXPERIMENTS

CONFIGURATION = "load-test.yaml"
REQUESTS_FILE = "requests.json"
REQUIREMENTS_FILE = "requirements.txt"


def write_load_test(
    out: Path,
    asked: AskedLoadTest,
    experiment: Experiment,
    *,
    folder: Path,
    secrets: Sequence[str],
    vault: str | None,
    requirements: Path | None,
) -> Path:
    """
    Write the folder ``out``, which may not contain a load test yet; the path of its configuration.

    ``folder`` is that of the experiment's files; the experiment has nothing but what is sent. Raises UsageError where
    something cannot be written, and ExperimentError for a file of the experiment that cannot be read.
    """
    if (out / ASKED).exists():
        raise UsageError(f"{out} contains a load test already: give another folder with --out, or remove this one")
    contents, test_plan, environ = test_files(experiment, folder)
    if requirements is not None:
        contents[REQUIREMENTS_FILE] = requirements.read_bytes()
    files = sorted(contents.keys() - {test_plan})
    found = configuration(
        asked,
        test_plan=test_plan,
        files=files,
        environ=environ,
        secrets=secrets,
        objective=experiment.objective,
        vault=vault,
        has_values=any(name.endswith(".csv") for name in files),
    )
    contents[CONFIGURATION] = yaml_text(found).encode()
    packed, inputs = with_inputs(experiment, folder)
    contents |= inputs
    contents[EXPERIMENTS] = experiments_toml([packed]).encode()
    contents[ASKED] = msgspec.json.format(msgspec.json.encode(asked), indent=2) + b"\n"
    write_all(out, contents)
    return out / CONFIGURATION


def write_all(out: Path, contents: Mapping[str, bytes]) -> None:
    """Write files into a folder, which is made; the one by which the folder is known comes last."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            (out / name).write_bytes(content)
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror}; give another folder with --out") from error


def test_files(experiment: Experiment, folder: Path) -> tuple[dict[str, bytes], str, dict[str, str]]:
    """What is uploaded, by name; the name of the Locust file; and the variables that it reads."""
    workload = experiment.workload
    if workload.locustfile is not None:
        name = Path(workload.locustfile).name
        return {name: read_input(folder, workload.locustfile)}, name, {}
    contents: dict[str, bytes] = {}
    listed = [listed_for_engine(each, contents, folder) for each in templates_of_test(experiment)]
    for one in listed:
        one["think_time"] = workload.think_time if one["think_time"] is None else one["think_time"]
    contents[REQUESTS_FILE] = (json.dumps(listed, indent=1, ensure_ascii=False) + "\n").encode()
    contents[LOCUSTFILE.name] = LOCUSTFILE.read_bytes()
    source = Path(str(request_source.__file__))
    contents[source.name] = source.read_bytes()
    return contents, LOCUSTFILE.name, {"FUNCTUNE_REQUESTS": REQUESTS_FILE}


def templates_of_test(experiment: Experiment) -> list[RequestTemplate]:
    """The requests to send; a route has no name of its own."""
    workload = experiment.workload
    return [*workload.requests, *(RequestTemplate(name="route", route=route) for route in workload.routes)]


def listed_for_engine(template: RequestTemplate, contents: dict[str, bytes], folder: Path) -> dict[str, Any]:
    """A request whose CSV file is next to it, with that file among the contents: an engine has no folders."""
    listed = listed_request(template, folder)
    if template.values is not None:
        name, content = Path(template.values).name, read_input(folder, template.values)
        if contents.get(name, content) != content:
            name = f"{template.name.replace(' ', '-')}-{name}"
        contents[name] = content
        listed["values"] = name
    return listed
