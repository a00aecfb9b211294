"""docs/app-service.md and docs/container-apps.md match the templates, Gunicorn's settings and the image."""

import ast
import re

import pytest

from tests.hosting.dockerfile import COPIED
from tests.hosting.gunicorn_run import HOSTING, ROOT
from tests.infra.bicep import APP_SERVICE, CONTAINER_APPS, app_settings, decorators, parse, web_apps
from tests.infra.container_apps_rules import containers, variables_of

APP_SERVICE_PAGE = (ROOT / "docs" / "app-service.md").read_text()
CONTAINER_APPS_PAGE = (ROOT / "docs" / "container-apps.md").read_text()


def whole_numbers() -> dict[str, list[ast.expr]]:
    """Default, lowest and highest value by variable, from the calls in gunicorn.conf.py."""
    tree = ast.parse((HOSTING / "gunicorn.conf.py").read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "whole_number"]
    return {str(ast.literal_eval(call.args[0])): call.args[1:] for call in calls}


def cells(page: str, name: str) -> list[str]:
    """The cells of the table row that begins with ``name``."""
    (row,) = re.findall(rf"^\| `{re.escape(name)}` \|(.*)\|$", page, re.MULTILINE)
    return [cell.strip() for cell in row.split(" | ")]


@pytest.mark.parametrize("name", whole_numbers())
def test_page_has_default_and_range_of_every_variable(name: str) -> None:
    default, lowest, highest = whole_numbers()[name]
    shown = cells(APP_SERVICE_PAGE, name)
    assert shown[1] == f"{ast.unparse(lowest)} to {ast.unparse(highest)}"
    # The default number of workers is computed.
    assert shown[0] == ast.unparse(default) or not isinstance(default, ast.Constant)


def test_page_has_every_size_with_the_cores_that_the_template_counts_on() -> None:
    template = parse(APP_SERVICE)
    sizes = decorators(template.parameters["planSku"])["allowed"]
    cores = {size: int(cells(APP_SERVICE_PAGE, size)[0].partition(",")[0]) for size in sizes}
    with_two = template.parameters["workerCount"]["default"]["operator"]["operands"]
    assert with_two["true_value"] == 2
    assert with_two["false_value"] == 1
    listed = with_two["condition"]["function"]["parameters"]["container"]
    assert [size for size, count in cores.items() if count == 2] == listed
    assert set(cores.values()) == {1, 2}


def test_pages_name_every_setting_of_their_template() -> None:
    on_app_service = [name for site in web_apps(parse(APP_SERVICE)) for name in app_settings(site)]
    in_containers = [name for container in containers(parse(CONTAINER_APPS)) for name in variables_of(container)]
    assert [name for name in on_app_service if f"`{name}`" not in APP_SERVICE_PAGE] == []
    assert [name for name in in_containers if f"`{name}`" not in CONTAINER_APPS_PAGE] == []


@pytest.mark.parametrize(
    "name",
    [
        *("cpuCores", "workerCount", "workerClass", "threadCount", "timeoutSeconds", "gracefulTimeoutSeconds"),
        *("minimumReplicaCount", "maximumReplicaCount", "concurrentRequests"),
    ],
)
def test_page_has_the_default_of_every_parameter_of_a_container(name: str) -> None:
    assert cells(CONTAINER_APPS_PAGE, name)[0].strip("`") == str(parse(CONTAINER_APPS).parameters[name]["default"])


@pytest.mark.parametrize("name", ["workerClass", "threadCount", "timeoutSeconds"])
def test_templates_have_the_same_defaults(name: str) -> None:
    default = parse(APP_SERVICE).parameters[name]["default"]
    assert parse(CONTAINER_APPS).parameters[name]["default"] == default


def test_templates_have_the_time_outs_of_gunicorns_settings() -> None:
    for name, parameter in (
        ("GUNICORN_TIMEOUT", "timeoutSeconds"),
        ("GUNICORN_GRACEFUL_TIMEOUT", "gracefulTimeoutSeconds"),
    ):
        assert ast.unparse(whole_numbers()[name][0]) == str(parse(CONTAINER_APPS).parameters[parameter]["default"])


def test_zip_of_the_page_has_what_the_image_has() -> None:
    (paths,) = re.findall(r"^git archive .* HEAD (.*)$", APP_SERVICE_PAGE, re.MULTILINE)
    assert set(paths.split()) == COPIED


def test_probe_times_are_those_of_the_template() -> None:
    (container,) = containers(parse(CONTAINER_APPS))
    for probe in container["probes"]:
        (row,) = re.findall(rf"^\| {probe['type']} probe \|(.*)$", CONTAINER_APPS_PAGE, re.MULTILINE)
        assert f"every {probe['periodSeconds']} s" in row
        total = probe["periodSeconds"] * probe["failureThreshold"]
        assert f"after {probe['failureThreshold']} failures" in row or f"up to {total} s" in row
