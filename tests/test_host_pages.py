"""The pages about hosts have the figures and the names of the code."""

import re
from pathlib import Path

import pytest

from functune.azure.pace import PACE
from functune.azure_load_testing.asked import USERS_PER_ENGINE
from functune.load.load_master import ROUND_TRIPS
from functune.load.load_workers import GIVES_UP
from functune.load.runner import WORKERS_WITHIN
from functune.run.measurement import ACCEPTED_ERRORS, BUSY_GENERATOR
from functune.setting import THREAD_COUNT
from functune.shapes import INSTANCE_SHAPES
from functune.web_servers import WEB_SERVERS, is_app_service
from tests.test_docs import in_backticks, rows

DOCS = Path(__file__).parents[1] / "docs"
WORDS = {5: "five", 10: "ten"}
PLANS = {
    "Flex Consumption": "flex",
    "Premium": "premium",
    "App Service": "app-service",
    "Container Apps": "container-apps",
}


def page(name: str) -> str:
    return (DOCS / name).read_text()


def test_page_of_servers_has_every_server_and_what_sets_its_threads() -> None:
    listed = {in_backticks(row[0])[0]: row[4] for row in rows(page("servers.md"), "| Host | Server |")}
    servers = {name: facts for name, facts in WEB_SERVERS.items() if not is_app_service(name)}
    assert listed.keys() == {"local", *servers}
    begins = {"server": "`--threads`", "pool": f"`{THREAD_COUNT}`", "none": "none"}
    for name, facts in servers.items():
        assert listed[name].startswith(begins[facts.threads]), name


def test_page_of_sizes_has_the_shapes_of_every_plan() -> None:
    shown: dict[str, tuple[str, float, int]] = {}
    for names, plan, cores, memory in rows(page("instance-sizes.md"), "| Shape | Plan |"):
        if " to " in names or plan == "none":
            continue
        found = in_backticks(names)
        many = [cores.split(", ") * (len(found) if "," not in cores else 1), memory.split(", ")]
        sizes = many[1] * (len(found) if len(many[1]) == 1 else 1)
        for name, each, megabytes in zip(found, many[0], sizes, strict=True):
            shown[name] = (PLANS[plan], float(each), int(megabytes))
    of_a_size = {name: (shape.plan, shape.size.cores, shape.size.memory_mb) for name, shape in INSTANCE_SHAPES.items()}
    apart = {name: shape for name, shape in of_a_size.items() if shape[0] != "container-apps"}
    assert shown == apart


def test_page_of_sizes_has_the_range_of_container_apps() -> None:
    [[names, _, cores, memory]] = [
        row for row in rows(page("instance-sizes.md"), "| Shape | Plan |") if row[1] == "Container Apps"
    ]
    sizes = [shape.size for shape in INSTANCE_SHAPES.values() if shape.plan == "container-apps"]
    assert names == f"`aca-{sizes[0].name}` to `aca-{sizes[-1].name}`, in steps of {sizes[1].cores - sizes[0].cores:g}"
    assert cores == f"{sizes[0].cores:g} to {sizes[-1].cores:g}"
    assert {f"{size.memory_mb / size.cores:g} for each core" for size in sizes} == {memory}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("beyond-one-machine.md", f"more than {BUSY_GENERATOR:g} of a core"),
        ("beyond-one-machine.md", f"sends each process {WORDS[ROUND_TRIPS]} messages"),
        ("beyond-one-machine.md", f"A load waits {WORDS[round(WORKERS_WITHIN / 60)]} minutes"),
        ("beyond-one-machine.md", f"It ends by itself {WORDS[int(GIVES_UP.split()[0])]} minutes after the run"),
        ("beyond-one-machine.md", f"the test fails when more than {ACCEPTED_ERRORS * 100:g} % of the requests fail"),
        ("beyond-one-machine.md", f"{USERS_PER_ENGINE} users for each engine"),
        ("azure-live.md", f"repeated for up to {PACE.give_up / 60:g} minutes"),
        ("azure-live.md", f"read until it shows, up to {PACE.give_up / 60:g} minutes"),
        ("azure-live.md", f"unseen, {PACE.restart:g} s or {PACE.restart_limit / 60:g} minutes are waited"),
    ],
)
def test_page_has_the_figure_of_the_code(name: str, said: str) -> None:
    assert re.sub(r"\s+", " ", page(name)).count(said) == 1
