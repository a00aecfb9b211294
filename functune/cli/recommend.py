"""functune recommend, and the options of a command that prints settings for a hosting plan."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from functune.cli.answer import Answer, answers
from functune.cli.completing import RunPath, complete_experiments, complete_sizes
from functune.errors import UsageError
from functune.run.folder import RunFolder
from functune.shapes import (
    APP_SERVICE_SIZES,
    CONTAINER_APPS_SIZES,
    DEFAULT_APP_SERVICE_SIZE,
    DEFAULT_CONTAINER_APPS_SIZE,
)

PLAN_NAMES = ("local", "flex", "premium", "app-service", "container-apps")
"""The names of plans.registry, which is imported only when a command needs it."""
SIZE_HELP = (
    f"Size of an instance. On app-service: {', '.join(APP_SERVICE_SIZES)}. On container-apps, the cores of a replica: "
    f"{min(CONTAINER_APPS_SIZES, key=float)} to {max(CONTAINER_APPS_SIZES, key=float)} in steps of 0.25. A setting "
    "that used more memory than it has is not recommended.  "
    f"[default: {DEFAULT_APP_SERVICE_SIZE}; {DEFAULT_CONTAINER_APPS_SIZE}]"
)


def instance_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a command for the instances of a plan that runs web servers."""
    size = click.option("--size", metavar="SIZE", shell_complete=complete_sizes, help=SIZE_HELP)
    replicas = click.option(
        "--replicas",
        type=(int, int),
        metavar="LEAST MOST",
        help="Replicas to set for container-apps.  [default: as they are]",
    )
    return size(replicas(command))


@click.command("recommend")
@click.argument("folder", type=RunPath(), metavar="RUN")
@click.option(
    "--plan",
    type=click.Choice(PLAN_NAMES),
    default="local",
    show_default=True,
    help="Hosting plan for the settings; flex has no process count, app-service and container-apps run web servers. "
    "JSON holds all plans.",
)
@answers(
    *("json", "local-settings", "bicep", "fragment", "commands", "startup"),
    default="json",
    help_text="JSON with the evidence, or settings to apply: local.settings.json, a .bicepparam file for "
    "the templates of this project, a fragment for a template of your own, az commands, or the start-up command of a "
    "web server.",
)
@instance_options
@click.option(
    "--experiment",
    metavar="NAME",
    shell_complete=complete_experiments,
    help="The experiment to take the settings from, if the run has several.",
)
def recommend_settings(
    folder: Path, plan: str, answer: Answer, experiment: str | None, size: str | None, replicas: tuple[int, int] | None
) -> None:
    """
    Print the settings that a run recommends.

    They are printed with their evidence as JSON, or in a form that a hosting plan takes.

    \b
    Examples:
      functune recommend runs/2026-11-21-063000 | jq '.experiments[].advice'
      functune recommend runs/2026-11-21-063000 --experiment threads-blocking-io --plan flex --format bicep
      functune recommend runs/2026-11-21-063000 --experiment threads-blocking-io --plan premium --format commands
      functune recommend runs/gunicorn --plan app-service --size P1v3 --format commands
      functune recommend runs/gunicorn --plan container-apps --size 1 --replicas 1 10 --format fragment

    Exit codes: 0 fine, 2 wrong usage, 3 the folder holds no usable run.
    """
    from functune.plans.advice import advice_text, single_advice
    from functune.plans.registry import asked_of
    from functune.report.document import read_document
    from functune.report.recommendation_file import recommendation_json

    asked = {plan: asked_of(plan, size=size, replicas=replicas)}
    document = read_document(RunFolder.open(folder), asked=asked)
    if answer.is_json:
        if experiment is not None:
            raise UsageError("--experiment goes with the forms other than json: JSON holds all experiments")
        answer.write(recommendation_json(document))
        return
    answer.write(advice_text(single_advice(document.apply, plan=plan, experiment=experiment), answer.form))
