"""`functune tune` on the terminal: the folder, the search, the profile and the report, within the budget of time."""

import asyncio
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click
from rich.console import Console

from functune.cli.answer import Answer
from functune.run.folder import EXPERIMENTS, RunFolder
from functune.setting import Setting

if TYPE_CHECKING:
    from functune.plans.advice import PlanAdvice
    from functune.plans.plan import Asked, HostingPlan
    from functune.sweep.tuning_run import TuningRun


class Tuning(NamedTuple):
    """One call of the command."""

    steps: "TuningRun"

    def folder(self, path: Path, present: Setting, *, command: Sequence[str]) -> RunFolder:
        """A new run folder with the experiment."""
        folder = asyncio.run(self.steps.create_folder(path, present, command=command))
        click.echo(f"Experiment: {folder.path / EXPERIMENTS}")
        return folder

    def search(self, folder: RunFolder) -> None:
        """Search, showing the progress, and say what was not measured."""
        from functune.terminal.progress import shown

        with shown(Console()) as show:
            note = asyncio.run(self.steps.search(folder, on_progress=show))
        if note:
            click.echo(note)

    def profile(self, folder: RunFolder) -> None:
        """Find the lines at which the calls wait or compute, as far as the time suffices."""
        from functune.report.document import find_all

        asyncio.run(self.steps.profile(folder, find_all(folder), on_note=click.echo))

    def report(self, folder: RunFolder, *, plan: str, asked: "Asked", answer: Answer) -> None:
        """Write the report, print its findings and the settings for a plan, and exit."""
        from functune.cli.runs import report_on, require_worked
        from functune.plans.registry import PLANS

        with_settings = PLANS[plan].template is None
        document = report_on(folder, with_settings=with_settings, asked={plan: asked}, answer=answer)
        require_worked(document)
        advice = [each for each in document.apply if each.plan == plan]
        for line in () if answer.is_json else plan_lines(advice, PLANS[plan], asked, folder.path):
            click.echo(line)
        sys.exit(0)


def plan_lines(advice: Sequence["PlanAdvice"], plan: "HostingPlan", asked: "Asked", run: Path) -> Iterator[str]:
    """The settings for a plan other than the local one, for a template of the reader's own."""
    for each in advice:
        if each.fragment is None:
            continue
        if each.start_command is not None:
            yield f"\nThe start-up command, on {plan.title}:\n"
            yield each.start_command
        yield f"\nFor a Bicep template of your own, on {plan.title}:\n"
        yield each.fragment
        yield from (note for note in each.notes if note not in each.template_notes)
        recommend = shlex.join(["functune", "recommend", str(run), "--plan", plan.name, *options_of(asked)])
        yield f"As commands of the Azure CLI: {recommend}"


def options_of(asked: "Asked") -> list[str]:
    """The options of `functune recommend` that ask the same of a plan, and the form of commands."""
    size = [] if asked.size is None else ["--size", asked.size]
    replicas = [] if asked.replicas is None else ["--replicas", *map(str, asked.replicas)]
    return [*size, *replicas, "--format", "commands"]
