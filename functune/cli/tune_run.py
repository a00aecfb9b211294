"""The steps of `functune tune`: one request, the search, the profile and the report, within the budget of time."""

import asyncio
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec
from rich.console import Console

from functune import environ
from functune.cli.answer import Answer
from functune.cli.load import require_usable_load
from functune.errors import LoadError
from functune.experiments.inputs import check_inputs, require_variables, with_inputs
from functune.experiments.model import Experiment
from functune.experiments.requests import RequestTemplate
from functune.hosts.kinds import HostKind
from functune.hosts.knobs import has_threads_to_set
from functune.hosts.served_app import ServedApp
from functune.run.environment import collect_environment
from functune.run.folder import EXPERIMENTS, RunFolder
from functune.setting import Setting

if TYPE_CHECKING:
    from functune.plans.advice import PlanAdvice
    from functune.plans.plan import Asked, HostingPlan


class Tuning(msgspec.Struct, kw_only=True):
    """One call of the command."""

    app: ServedApp
    kind: HostKind
    host: str
    python: str | None
    """The interpreter whose packages the app gets; None for the packages that the app comes with."""
    request: RequestTemplate
    aim: Any
    """TuningAim of functune.sweep.tuning, which is imported only when it is needed."""
    budget: float
    """Seconds for the whole command."""
    began: float
    """The moment it began, by time.monotonic."""
    sending: dict[str, Any] = {}
    """The keys of the load that choose the load processes."""
    slow: float = 1.0
    """The factor by which the machine is slower than expected, once the first request has shown it."""

    @property
    def measuring_ends(self) -> float:
        """The moment from which only the report is written."""
        from functune.sweep.tuning import report_seconds

        return self.began + self.budget - report_seconds(self.budget, self.slow)

    @property
    def search_ends(self) -> float:
        """The moment at which the search ends, so that there is time for a profile."""
        from functune.sweep.tuning import profile_seconds

        has_profile = self.kind.has_sampler(Setting())
        return self.measuring_ends - (profile_seconds(self.budget, self.slow) if has_profile else 0.0)

    def left_until(self, moment: float) -> float:
        """The seconds until a moment, none where it is past."""
        return max(moment - time.monotonic(), 0.0)

    def folder(self, path: Path, present: Setting, *, command: Sequence[str]) -> RunFolder:
        """A new run folder with the experiment, whose steps are as long as the first answer and the budget allow."""
        from functune.analysis.verdict.recommendation import aim_of
        from functune.sweep.tuning import tuning_experiment

        here = collect_environment(
            script_root=self.app.folder,
            host=self.kind.name,
            host_kind=self.host,
            command=command,
            app=self.app.entry,
            app_python=self.python,
        )
        cores = here.machine_cores

        def made(latency: float) -> Experiment:
            found = tuning_experiment(
                self.request,
                present,
                aim=self.aim,
                cores=cores,
                budget=self.budget,
                latency=latency,
                has_threads=has_threads_to_set(self.host, self.app),
            )
            return msgspec.structs.replace(found, load=msgspec.structs.replace(found.load, **self.sending))

        draft = made(0.0)
        require_usable_load([draft], host=self.host, binds="bind" in self.sending)
        aim_of(draft)
        check_inputs(draft, Path())
        require_variables(draft, Path(), environ.process_environ())
        latency = asyncio.run(self.first_latency(draft, present))
        packed, inputs = with_inputs(made(latency), Path())
        folder = RunFolder.create(path, [packed], here, inputs=inputs)
        click.echo(f"Experiment: {folder.path / EXPERIMENTS}")
        return folder

    async def first_latency(self, draft: Experiment, present: Setting) -> float:
        """
        Seconds of the first answer, from a host that also shows how slow the machine is.

        Raises LoadError with what the app answered where the request fails.
        """
        from functune.sweep.preflight import preflight
        from functune.sweep.trials import LOAD_SECONDS
        from functune.sweep.tuning import slowdown

        setting, began = draft.compared_with, time.monotonic()
        async with self.kind.running(self.app, setting=setting) as running:
            answers = await preflight([draft], running, folder=Path())
        latency = max(each.seconds for each in answers)
        expected = self.kind.seconds(setting) + LOAD_SECONDS + latency
        self.slow = slowdown(time.monotonic() - began, expected)
        return latency

    def search(self, folder: RunFolder) -> None:
        """Search until the search or the time is over, and say what was not measured."""
        from functune.sweep.events import StepFinished
        from functune.sweep.run import measure_run
        from functune.sweep.tuning import BudgetPlanner, settle_limit, unmeasured_in_words
        from functune.terminal.progress import shown

        planner = BudgetPlanner(
            cores=folder.environment.machine_cores,
            kind=self.kind,
            deadline=self.search_ends,
            settle_limit=settle_limit(self.budget),
        )

        async def searched() -> bool:
            """Whether the search came to its end. Its first step may take the time of the profile."""
            clock = asyncio.get_running_loop().time
            try:
                async with asyncio.timeout(self.left_until(self.measuring_ends)) as limit:

                    def follow(event: Any) -> None:
                        if isinstance(event, StepFinished):
                            limit.reschedule(clock() + self.left_until(self.search_ends))
                        self.with_time_left(show)(event)

                    await measure_run(
                        folder,
                        app=self.app,
                        kind=self.kind,
                        planner=planner,
                        on_progress=follow,
                        calibrated=False,
                        checked=False,
                    )
            except TimeoutError:
                return False
            return not planner.was_cut

        with shown(Console()) as show:
            is_complete = asyncio.run(searched())
        measured = folder.measurements()
        if not measured:
            raise LoadError(f"the budget of {self.budget:g} s ended before the first step: increase it with --budget")
        if not is_complete:
            left = planner.trials_left(folder.experiments[0], measured, [])
            words = unmeasured_in_words(left, measured)
            click.echo(
                f"The budget of {self.budget:g} s ended before the search did. Not measured: {words}. "
                "--budget allows more."
            )

    def with_time_left(self, show: Callable[[Any], None]) -> Callable[[Any], None]:
        """Show events with the time left until the end of the command, and no more than the budget has."""
        from functune.sweep.events import TimeLeft

        def shown(event: Any) -> None:
            if hasattr(event, "left"):
                search = min(event.left.seconds, self.left_until(self.search_ends))
                seconds = search + self.began + self.budget - self.search_ends
                event = replace(event, left=TimeLeft(seconds=seconds, at_most=True))
            show(event)

        return shown

    def profile(self, folder: RunFolder) -> None:
        """Find the lines at which the calls wait or compute, as far as the time suffices."""
        from functune.report.document import find_all
        from functune.sweep.profile import profile_run, profile_targets
        from functune.sweep.tuning import settle_limit

        targets = [each._replace(settle_limit=settle_limit(self.budget)) for each in profile_targets(find_all(folder))]
        asyncio.run(
            profile_run(folder, targets, app=self.app, kind=self.kind, on_note=click.echo, deadline=self.measuring_ends)
        )

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
