"""functune recommend for App Service and Container Apps, from the run folder of a web server."""

import json
from pathlib import Path

import msgspec
import pytest

from functune.cli.tune_run import plan_lines
from functune.experiments.model import Matrix
from functune.plans.plan import Asked
from functune.plans.registry import PLANS
from functune.report.document import read_document
from functune.run.folder import RunFolder
from tests.analysis.simulated import planned, sweep
from tests.cli.calling import run
from tests.plans.az_options import az_parsed
from tests.report.written import ENVIRONMENT, run_folder


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A run of Gunicorn with two numbers of threads and of workers."""
    experiment = planned(settings=Matrix(thread_count=(1, 16), process_count=(1, 2), host=("gunicorn:gthread",)))
    return str(run_folder(tmp_path_factory.mktemp("served"), [experiment], sweep(experiment)))


def recommended(folder: str, *options: str) -> str:
    """The output of a call that works."""
    done = run("recommend", folder, *options)
    assert done.exit_code == 0, done.output
    return done.output


def test_start_up_command_is_printed_alone_for_a_file(served: str) -> None:
    text = recommended(served, "--plan", "app-service", "--format", "startup")
    assert text == (
        "gunicorn --bind 0.0.0.0:$PORT --timeout 230 --graceful-timeout 25 --keep-alive 75 --access-logfile - "
        "--error-logfile - --worker-class gthread --workers 2 --threads 16 functune.wsgi:app\n"
    )


def test_size_and_replicas_reach_the_commands_and_json(served: str) -> None:
    options = ("--plan", "container-apps", "--size", "1", "--replicas", "1", "5")
    *comments, command = recommended(served, *options, "--format", "commands").splitlines()
    assert [line for line in comments if not line.startswith("# ")] == []
    assert any("A million requests cost " in line for line in comments)
    line = az_parsed(command)
    assert (line["--cpu"], line["--memory"], line["--max-replicas"]) == ("1", "2Gi", "5")
    [experiment] = json.loads(recommended(served, *options))["experiments"]
    sizes = {each["plan"]: each["size"] for each in experiment["apply"]}
    assert sizes == {"local": None, "app-service": "B1", "container-apps": "1"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--plan", "app-service", "--size", "F1"], "--size F1: allowed for app-service are B1, "),
        (["--plan", "local", "--size", "B1"], "--size B1: local has no sizes to choose from"),
        (["--plan", "app-service", "--replicas", "1", "2"], "--replicas: app-service has no replicas"),
        (["--plan", "flex", "--format", "commands"], "the run recommends no setting for flex"),
        (["--plan", "app-service", "--format", "bicep"], "infra/app-service.bicep has no parameters for this setting"),
    ],
)
def test_what_a_plan_cannot_give_is_refused(served: str, options: list[str], message: str) -> None:
    done = run("recommend", served, *options)
    assert done.exit_code == 2
    assert message in done.output


def test_tune_prints_the_command_to_set_and_the_call_for_the_same_size(served: str) -> None:
    asked = Asked(size="1", replicas=(1, 5))
    document = read_document(RunFolder.open(Path(served)), asked={"container-apps": asked})
    advice = [each for each in document.apply if each.plan == "container-apps"]
    lines = list(plan_lines(advice, PLANS["container-apps"], asked, Path("runs/a run")))
    assert advice[0].start_command in lines
    assert not any("infra/" in line for line in lines)  # the template of this project
    assert lines[-1] == (
        "As commands of the Azure CLI: functune recommend 'runs/a run' --plan container-apps --size 1 --replicas 1 5 "
        "--format commands"
    )


@pytest.mark.parametrize(
    ("of_run", "of_experiment", "started"),
    [
        (None, None, "functune.wsgi:app"),
        ("src.app:app", None, "src.app:app"),
        ("src.app:app", "shop.web:app", "shop.web:app"),
    ],
)
def test_command_starts_the_app_that_was_measured(
    tmp_path: Path, of_run: str | None, of_experiment: str | None, started: str
) -> None:
    experiment = planned(settings=Matrix(thread_count=(1, 16), host=("gunicorn:gthread",)))
    named = msgspec.structs.replace(experiment, app=of_experiment)
    folder = run_folder(tmp_path / "run", [named], sweep(experiment), {**ENVIRONMENT, "app": of_run})
    text = recommended(str(folder), "--plan", "app-service", "--format", "startup")
    assert text.endswith(f" {started}\n")
