"""functune plan."""

import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import click

from functune.cli.answer import Answer, answers
from functune.cli.completing import RunPath, complete_experiments
from functune.errors import UsageError
from functune.run.folder import RunFolder

if TYPE_CHECKING:
    from functune.capacity.capacity_plan import CapacityPlan
    from functune.capacity.explain import Explanation


class Assumed(click.ParamType[tuple[str, float]]):
    """``NAME=VALUE`` with a number."""

    name = "assumption"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, float]:
        """The name and the number."""
        name, _, number = str(value).partition("=")
        try:
            return name, float(number)
        except ValueError:
            self.fail(f"{value!r}: allowed is NAME=NUMBER, such as flex-most=1000", param, ctx)


@click.command("plan")
@click.argument("folder", type=RunPath(), metavar="RUN")
@click.option(
    "--traffic",
    required=True,
    metavar="SPEC|FILE.csv",
    help="steady:RATE, daily:MEAN[:PEAK], burst:BASE:PEAK:SECONDS:EVERY, or a CSV file with a column 'arrival' "
    "(seconds or ISO 8601) or 'requests' (their number in each minute). Rates as 40/s, 2400/min or 1e6/day.",
)
@click.option(
    "--objective", metavar="CONDITIONS", help='Conditions to meet, such as "p95 < 500ms".  [default: the run\'s]'
)
@click.option(
    "--now",
    metavar="CONFIGURATION",
    help="The present configuration: flex:MB:CONCURRENCY[:ALWAYS_READY], premium:SIZE[:INSTANCES], "
    "app-service:SIZE:INSTANCES or container-apps:CORES[:LEAST_REPLICAS].  [default: flex:2048:1, Azure's for Python]",
)
@click.option(
    "--experiment",
    metavar="NAME",
    shell_complete=complete_experiments,
    help="The experiment, if the run has several.",
)
@click.option("--route", metavar="ROUTE", help="The subject, if the experiment has several.")
@click.option(
    "--cold-start",
    type=(float, float),
    metavar="LEAST MOST",
    help="Seconds that a start of an instance takes; the objective is judged by the most.  [default: 1 5]",
)
@click.option(
    "--assume",
    type=Assumed(),
    multiple=True,
    metavar="NAME=NUMBER",
    help="Another number for a rule of a platform, such as flex-most=1000; docs/capacity.md lists them.",
)
@click.option(
    "--prices",
    type=click.Path(path_type=Path),
    metavar="FILE.toml",
    help="Some or all prices in place of the project's, in the form of functune/plans/prices.toml.",
)
@click.option(
    "--explain", is_flag=True, help="Say why there are so many instances on Flex Consumption, and what its bill counts."
)
@click.option("--all", "with_all", is_flag=True, help="Print every configuration.")
@answers()
def plan_capacity(
    folder: Path,
    traffic: str,
    objective: str | None,
    now: str | None,
    experiment: str | None,
    route: str | None,
    cold_start: tuple[float, float] | None,
    assume: tuple[tuple[str, float], ...],
    prices: Path | None,
    explain: bool,
    with_all: bool,
    answer: Answer,
) -> None:
    """
    Plan instances, latency and monthly cost on each hosting plan.

    It takes the service time, the CPU demand and the latency against concurrency from a run, and simulates the traffic
    on Flex Consumption, Premium, App Service and Container Apps. It prints the cheapest configuration that meets the
    objective and the cost of the present one, and writes plan.html and plan.json into the run folder.

    \b
    Examples:
      functune plan runs/2026-11-21-063000 --traffic daily:40:120 --objective "p95 < 500ms"
      functune plan runs/2026-11-21-063000 --traffic steady:2/s --explain
      functune plan runs/2026-11-21-063000 --traffic burst:1:200:60s:1h --now flex:2048:16:1 --cold-start 0.5 8
      functune plan runs/2026-11-21-063000 --traffic requests.csv --prices west-europe.toml --format json

    Exit codes: 0 fine, 1 no configuration keeps up and meets the objective, 2 wrong usage, 3 the folder holds no usable
    run.
    """
    from functune.capacity.asked_plan import conditions, planned_capacity
    from functune.report.capacity_page import CAPACITY_DOCUMENT, CAPACITY_PAGE, render_capacity_page
    from functune.report.document import find_all
    from functune.report.json_text import indented_json
    from functune.report.links import link_pages
    from functune.terminal.capacity import capacity_lines, explanation_lines

    given = conditions(traffic, cold_start=cold_start, assume=assume, prices=prices)
    run = RunFolder.open(folder)
    plan = planned_capacity(
        find_all(run),
        run.require_measurements(),
        given,
        objective=objective,
        now=now,
        experiment=experiment,
        route=route,
        progress=shown_progress(),
    )
    run.write_text(CAPACITY_PAGE, render_capacity_page(plan))
    link_pages(run)
    run.write_text(CAPACITY_DOCUMENT, indented_json(plan))
    answer.give(
        lambda: [
            *capacity_lines(plan, with_all=with_all),
            *(["", *explanation_lines(explanation_of(plan))] if explain else []),
            "",
            f"Page: {(run.path / CAPACITY_PAGE).resolve().as_uri()}",
        ],
        lambda: plan,
    )
    sys.exit(0 if plan.cheapest is not None else 1)


def explanation_of(plan: "CapacityPlan") -> "Explanation":
    """Why there are so many instances. Raises UsageError where the present plan is another than Flex Consumption."""
    if plan.explanation is None:
        raise UsageError(
            "--explain is about Flex Consumption: give --now flex:MB:CONCURRENCY, for an app that runs there"
        )
    return plan.explanation


def shown_progress() -> Callable[[int, int], None]:
    """Shows how many forecasts are done and the time left, on a terminal alone."""
    if not sys.stderr.isatty():
        return lambda done, whole: None
    started = monotonic()

    def show(done: int, whole: int) -> None:
        left = (monotonic() - started) / done * (whole - done) if done else 0.0
        text = f"forecast {done + 1} of {whole}{f', about {left:.0f} s left' if done else ''}"
        click.echo(f"\r{text:<60}", nl=False, err=True)
        if done + 1 == whole:
            click.echo(f"\r{'':<60}\r", nl=False, err=True)

    return show
