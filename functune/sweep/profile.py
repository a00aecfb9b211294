"""
The profile of a run: after the search, each subject's setting is loaded once more with the sampler on.

It is no measurement: nothing of it is written to measurements.jsonl, and a subject that cannot be profiled gets a note.
"""

import asyncio
import contextlib
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import msgspec

from functune.analysis.experiment import ExperimentFindings, SubjectFindings
from functune.analysis.numbers.levels import Level
from functune.analysis.verdict.limit_evidence import crowd
from functune.environ import PROFILE_FOLDER
from functune.errors import FunctuneError, HostError
from functune.experiments.model import Experiment
from functune.experiments.subject import Subject
from functune.hosts.kinds import HostKind, RunningHost
from functune.hosts.served_app import ServedApp
from functune.load.records import SETTLE_LIMIT, LoadPlan, Request, StepEnd
from functune.load.runner import finished_steps
from functune.load.target import target_settings
from functune.run.folder import RunFolder
from functune.run.profile import PROFILE, SPEEDSCOPE, Profile, StepProfile
from functune.run.speedscope import speedscope
from functune.setting import Setting
from functune.sweep.apps import app_for
from functune.sweep.profile_lines import WorkerSamples, lines_between, read_samples, samples_between
from functune.sweep.trials import PlannedTrial, load_on, load_seconds
from functune.timing.sampler_switch import SamplerSwitch

WARM_UP, MEASURE = 0.4, 1.3
"""Seconds of each step."""
WRITE_TIMEOUT = 5.0
"""Seconds the workers have to write their samples; one whose GIL is held by a C function takes longer."""
SAMPLES_POLL = 0.02


class ProfileTarget(NamedTuple):
    """A subject to profile on one setting, with some numbers of users."""

    experiment: Experiment
    subject: Subject
    setting: Setting
    users: tuple[int, ...]
    """Strictly increasing."""
    settle_limit: float = SETTLE_LIMIT
    """Seconds by which the warm-up of a step may grow."""

    @property
    def load(self) -> LoadPlan:
        """A step for each number of users."""
        trial = PlannedTrial(experiment=self.experiment, setting=self.setting, subject=self.subject, users=self.users)
        return msgspec.structs.replace(trial.load, warm_up=WARM_UP, measure=MEASURE, settle_limit=self.settle_limit)

    @property
    def seconds(self) -> float:
        """Estimated seconds, without the start and stop of its host."""
        return load_seconds(self.load) + self.load.seconds

    def __str__(self) -> str:
        return f"{self.subject} with {self.setting.in_words}"


def profile_targets(findings: Iterable[ExperimentFindings]) -> Iterator[ProfileTarget]:
    """
    Each subject at its most crowded level, then at the recommended one, or its fastest where nothing is recommended.

    At the most crowded level the calls meet in the code, where a lock or a pool shows, instead of in front of a few
    threads. One user shows how long each line takes alone.
    """
    for each in findings:
        for subject in each.subjects:
            worked = [level for level in subject.levels if level.figures.worked]
            if not worked:
                continue
            crowded = max(worked, key=crowd)
            setting, users = chosen_level(subject, worked)
            yield ProfileTarget(each.experiment, subject.subject, crowded.setting, tuple(sorted({1, crowded.users})))
            if setting != crowded.setting:
                yield ProfileTarget(each.experiment, subject.subject, setting, (users,))


def chosen_level(subject: SubjectFindings, worked: Sequence[Level]) -> tuple[Setting, int]:
    """The recommended setting and its users; those of the fastest level where nothing is recommended."""
    if subject.recommended is not None:
        return subject.recommended.setting, subject.recommended.best.users
    fastest = max(worked, key=lambda level: level.figures.throughput)
    return fastest.setting, fastest.users


async def profile_run(
    folder: RunFolder,
    targets: Iterable[ProfileTarget],
    *,
    app: ServedApp,
    kind: HostKind,
    on_note: Callable[[str], None],
    deadline: float = math.inf,
) -> Profile:
    """
    Profile the targets on hosts of their own and write profile.json and the speedscope file.

    Notes name the target that is next, and each one that could not be profiled, with the reason. No failure of a
    profile fails the run. ``deadline`` is a moment of time.monotonic: a target that would not end before it is left
    out, and one that does not is given up.
    Raises RunFolderError when the files cannot be written.
    """
    wanted = list(targets)
    sampled = [target for target in wanted if kind.has_sampler(target.setting)]
    if len(sampled) < len(wanted):
        on_note(f"No profile by line: {kind.name} has no sampler in its workers; the local host has")
    if not sampled:
        return Profile()
    steps: list[StepProfile] = []
    notes: list[str] = []
    for target in sampled:
        left = deadline - time.monotonic()
        if left < kind.seconds(target.setting) + target.seconds:
            notes.append(f"{target.experiment.name}: {target} was not profiled: the time was used up")
            on_note(notes[-1])
            continue
        on_note(f"Profiling {target}, about {round(kind.seconds(target.setting) + target.seconds)} s")
        try:
            async with asyncio.timeout(left if math.isfinite(left) else None):
                steps += await profiled(target, folder, app=app, kind=kind)
        except TimeoutError:
            notes.append(f"{target.experiment.name}: {target} could not be profiled: it did not end in time")
            on_note(notes[-1])
        except FunctuneError as error:
            notes.append(f"{target.experiment.name}: {target} could not be profiled: {error}")
            on_note(notes[-1])
    profile = Profile(steps=tuple(steps), notes=tuple(notes))
    write_profile(folder, profile)
    return profile


def write_profile(folder: RunFolder, profile: Profile) -> None:
    """Write profile.json and profile.speedscope.json. Raises RunFolderError when they cannot be written."""
    folder.write_text(PROFILE, msgspec.json.encode(profile).decode() + "\n")
    folder.write_text(SPEEDSCOPE, msgspec.json.encode(speedscope(profile)).decode() + "\n")


async def profiled(target: ProfileTarget, run: RunFolder, *, app: ServedApp, kind: HostKind) -> list[StepProfile]:
    """The profiled steps of a target; ``run`` contains the files of its requests. Raises HostError or LoadError."""
    with TemporaryDirectory(prefix="functune-profile-") as name:
        switch = SamplerSwitch.create(Path(name))
        async with (
            target_settings(target.experiment.workload.target) as settings,
            kind.running(
                app_for(target.experiment, app),
                setting=target.setting,
                app_settings={**settings, PROFILE_FOLDER: name},
            ) as host,
        ):
            period = switch.turn_on()
            try:
                ends = await loaded(target, run, host)
            finally:
                switch.turn_off()
            workers = await written_samples(Path(name), period, processes=target.setting.process_count)
    return [profiled_step(target, step, requests, workers) for step, requests in ends]


async def loaded(target: ProfileTarget, run: RunFolder, host: RunningHost) -> list[tuple[StepEnd, list[Request]]]:
    """Put the load on the host; each step with the requests that ended in it."""
    load = load_on(target.load, host, run, target.experiment)
    async with contextlib.aclosing(finished_steps(load, base_url=host.base_url, key=host.key)) as steps:
        return [step async for step in steps]


async def written_samples(folder: Path, period: int, *, processes: int) -> list[WorkerSamples]:
    """
    The samples of all worker processes.

    Raises HostError when a sampler failed, or when no worker has written its samples in time: a worker that died has
    none, and the others do.
    """
    deadline = asyncio.get_running_loop().time() + WRITE_TIMEOUT
    while len(found := read_samples(folder, period)) < processes:
        if asyncio.get_running_loop().time() > deadline:
            break
        await asyncio.sleep(SAMPLES_POLL)
    if not found:
        raise HostError(f"no worker wrote its samples within {WRITE_TIMEOUT:g} s after the load")
    return found


def profiled_step(
    target: ProfileTarget, step: StepEnd, requests: Iterable[Request], workers: list[WorkerSamples]
) -> StepProfile:
    """The profile of a step's window."""
    return StepProfile(
        experiment=target.experiment.name,
        subject=target.subject,
        setting=target.setting,
        users=step.users,
        seconds=step.closed - step.opened,
        calls=sum(step.opened <= each.ended < step.closed for each in requests),
        samples=samples_between(workers, step.opened, step.closed),
        lines=lines_between(workers, step.opened, step.closed),
    )
