"""The steps of a search within a budget of time: one request, the search, and the profile."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from functune import environ
from functune.analysis.experiment import ExperimentFindings
from functune.analysis.verdict.recommendation import aim_of
from functune.errors import LoadError
from functune.experiments.inputs import check_inputs, require_variables, with_inputs
from functune.experiments.model import Experiment
from functune.experiments.requests import RequestTemplate
from functune.hosts.kinds import HostKind
from functune.hosts.knobs import has_threads_to_set
from functune.hosts.served_app import ServedApp
from functune.run.environment import collect_environment
from functune.run.folder import RunFolder
from functune.setting import Setting
from functune.sweep.beginning import require_usable_load
from functune.sweep.events import Event, StepFinished, TimeLeft
from functune.sweep.preflight import preflight
from functune.sweep.profile import profile_run, profile_targets
from functune.sweep.run import measure_run
from functune.sweep.trials import IMPORT_SECONDS, LOAD_SECONDS
from functune.sweep.tuning import (
    BudgetPlanner,
    TuningAim,
    profile_seconds,
    report_seconds,
    settle_limit,
    slowdown,
    tuning_experiment,
    unmeasured_in_words,
)


class TuningRun(msgspec.Struct, kw_only=True):
    """One search for the settings of a route."""

    app: ServedApp
    kind: HostKind
    host: str
    python: str | None
    """The interpreter whose packages the app gets; None for the packages that the app comes with."""
    request: RequestTemplate
    aim: TuningAim
    budget: float
    """Seconds for all of it, from the start to the report."""
    began: float
    """The moment it began, by time.monotonic."""
    sending: dict[str, Any] = {}
    """The keys of the load that choose the load processes."""
    slow: float = 1.0
    """The factor by which the machine is slower than expected, once the first request has shown it."""

    @property
    def measuring_ends(self) -> float:
        """The moment from which only the report is written."""
        return self.began + self.budget - report_seconds(self.budget, self.slow)

    @property
    def search_ends(self) -> float:
        """The moment at which the search ends, so that there is time for a profile."""
        has_profile = self.kind.has_sampler(Setting())
        return self.measuring_ends - (profile_seconds(self.budget, self.slow) if has_profile else 0.0)

    def left_until(self, moment: float) -> float:
        """The seconds until a moment, none where it is past."""
        return max(moment - time.monotonic(), 0.0)

    async def create_folder(self, path: Path, present: Setting, *, command: Sequence[str]) -> RunFolder:
        """A new run folder with the experiment, whose steps are as long as the first answer and the budget allow."""
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
        latency = await self.first_latency(draft, present)
        packed, inputs = with_inputs(made(latency), Path())
        return RunFolder.create(path, [packed], here, inputs=inputs)

    async def first_latency(self, draft: Experiment, present: Setting) -> float:
        """
        Seconds of the first answer, from a host that also shows how slow the machine is.

        Raises LoadError with what the app answered where the request fails.
        """
        setting, began = draft.compared_with, time.monotonic()
        async with self.kind.running(self.app, setting=setting) as running:
            answers = await preflight([draft], running, folder=Path())
        latency = max(each.seconds for each in answers)
        expected = self.kind.seconds(setting) + IMPORT_SECONDS + LOAD_SECONDS + latency
        self.slow = slowdown(time.monotonic() - began, expected)
        return latency

    async def search(self, folder: RunFolder, *, on_progress: Callable[[Event], None]) -> str:
        """
        Search until the search or the time is over. Returns what was not measured, as a note, or an empty text.

        Raises LoadError where the budget ends before the first step.
        """
        planner = BudgetPlanner(
            cores=folder.environment.machine_cores,
            kind=self.kind,
            deadline=self.search_ends,
            settle_limit=settle_limit(self.budget),
        )
        is_complete = await self.is_searched(folder, planner, self.with_time_left(on_progress))
        measured = folder.measurements()
        if not measured:
            raise LoadError(f"the budget of {self.budget:g} s ended before the first step: increase it with --budget")
        if is_complete:
            return ""
        words = unmeasured_in_words(planner.trials_left(folder.experiments[0], measured, []), measured)
        return (
            f"The budget of {self.budget:g} s ended before the search did. Not measured: {words}. Allow more with "
            "--budget."
        )

    async def is_searched(
        self, folder: RunFolder, planner: BudgetPlanner, on_progress: Callable[[Event], None]
    ) -> bool:
        """Whether the search came to its end. Its first step may take the time of the profile."""
        clock = asyncio.get_running_loop().time
        try:
            async with asyncio.timeout(self.left_until(self.measuring_ends)) as limit:

                def follow(event: Event) -> None:
                    if isinstance(event, StepFinished):
                        limit.reschedule(clock() + self.left_until(self.search_ends))
                    on_progress(event)

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

    def with_time_left(self, show: Callable[[Event], None]) -> Callable[[Event], None]:
        """Show events with the time left until the end of the command, and no more than the budget has."""

        def shown(event: Any) -> None:
            if hasattr(event, "left"):
                search = min(event.left.seconds, self.left_until(self.search_ends))
                seconds = search + self.began + self.budget - self.search_ends
                event = replace(event, left=TimeLeft(seconds=seconds, at_most=True))
            show(event)

        return shown

    async def profile(
        self, folder: RunFolder, findings: Iterable[ExperimentFindings], *, on_note: Callable[[str], None]
    ) -> None:
        """Find the lines at which the calls wait or compute, as far as the time suffices."""
        limit = settle_limit(self.budget)
        targets = [each._replace(settle_limit=limit) for each in profile_targets(findings)]
        await profile_run(folder, targets, app=self.app, kind=self.kind, on_note=on_note, deadline=self.measuring_ends)
