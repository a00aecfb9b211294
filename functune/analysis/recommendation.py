"""
Which setting to use for a route, why, and how sure that is.

How it is chosen, and what is tied with the best, is in strategies; here it gets its reason and its evidence.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec
import numpy as np

from functune.analysis import littles_law
from functune.analysis.bounds import demand
from functune.analysis.certainty import certainty
from functune.analysis.cost import busy
from functune.analysis.diagnosis import SAME, Case, reason
from functune.analysis.formatting import percent, plural, rate
from functune.analysis.formatting import setting as setting_in_words
from functune.analysis.objective import Objective, parse
from functune.analysis.pooling import by_step, pooled
from functune.analysis.repeats import ENOUGH, Spread, seeded_spread
from functune.analysis.statistics import percentile
from functune.analysis.strategies import (
    ACCEPTED_ERRORS,
    Candidate,
    NoChoice,
    Strategy,
    candidates,
    choose,
    knees,
    plainness,
)
from functune.experiments import Experiment
from functune.measurements import Measurement, Setting

THREADS = "PYTHON_THREADPOOL_THREAD_COUNT"
PROCESSES = "FUNCTIONS_WORKER_PROCESS_COUNT"


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """A step a recommendation rests on: the best one of a setting."""

    trial: int
    setting: Setting
    users: int
    throughput: float
    p95: float | None
    """Seconds; None below 72 requests."""
    spread: Spread | None
    """Of the throughput, across repeats; None of a single one."""


class Recommendation(msgspec.Struct, frozen=True, kw_only=True):
    """The setting to use for one route."""

    route: str
    strategy: Strategy
    setting: Setting
    settings_to_set: dict[str, str | None]
    """App settings, as local.settings.json and ``az functionapp config appsettings set`` take them; None is unset."""
    reason: str
    certainty: str
    """How sure that is, in a sentence or two; empty where nothing was to choose."""
    evidence: tuple[Evidence, ...]
    """Of every setting the step that counts, the recommended one's first, then by throughput."""
    ties: tuple[Setting, ...]
    """The settings not shown to be more than 5 % worse than the best, simplest first: the recommended one."""
    next_best: Evidence | None
    """The best setting that is not tied; None when all are."""
    distance: float | None
    """By how much the next best serves less than the best, relative: 0.2 is 20 % less throughput."""
    caveats: tuple[str, ...]
    """What the reader should know before relying on it."""

    @property
    def best(self) -> Evidence:
        """The recommended setting's best step."""
        return self.evidence[0]


class Aim(msgspec.Struct, frozen=True, kw_only=True):
    """What the best is."""

    strategy: Strategy = "throughput"
    objective: Objective | None = None
    """What must be kept, in any case."""
    memory_mb: int = 2048
    """Instance memory that costs are reckoned with: a size of Flex Consumption."""
    seed: int = 1
    """Of the resampling that intervals rest on."""


def aim(experiment: Experiment) -> Aim:
    """What an experiment wants. Raises UsageError when its objective cannot be read."""
    return Aim(
        strategy=experiment.strategy,
        objective=parse(experiment.objective) if experiment.objective else None,
        memory_mb=experiment.memory_mb,
        seed=experiment.load.seed,
    )


def recommend(
    route: str,
    measurements: Iterable[Measurement],
    *,
    aim: Aim | None = None,
    cores: float | None = None,
    plan: str | None = None,
) -> Recommendation | NoChoice:
    """
    The recommendation for a route, from the repeats of its closed-loop steps; why there is none where there is none.

    ``plan`` "flex" leaves out every setting with several processes: FUNCTIONS_WORKER_PROCESS_COUNT is documented as not
    valid on Flex Consumption. ``cores`` is the machine's, None when unknown.
    """
    aim = aim or Aim()
    repeats = [step for step in measurements if step.route == route]
    if plan == "flex":
        repeats = [step for step in repeats if step.setting.process_count == 1]
    offered = priced(repeats, memory_mb=aim.memory_mb)
    choice = choose(offered, strategy=aim.strategy, objective=aim.objective, generator=np.random.default_rng(aim.seed))
    if isinstance(choice, NoChoice):
        return choice
    steps = [pooled(group) for group in by_step(repeats).values()]
    kept = [one for one in offered if aim.objective is None or aim.objective.met(one.figures)]
    levels = {one.setting: one for one in knees(sorted(kept, key=plainness))}
    peaks = {one.setting: pooled_step(one, steps) for one in levels.values()}
    best = peaks[choice.chosen.setting]
    ties = tuple(tied.candidate.setting for tied in choice.ties)
    beaten = choice.next_best
    case = Case(best=best, peaks=peaks, steps=steps, demand=demand(steps), cores=cores)
    rank = sorted(peaks, key=lambda setting: (setting != best.setting, -peaks[setting].throughput))
    return Recommendation(
        route=route,
        strategy=aim.strategy,
        setting=best.setting,
        settings_to_set=settings_to_set(best.setting, plan=plan),
        reason=reason(case),
        certainty=certainty(choice, generator=np.random.default_rng(aim.seed)),
        evidence=tuple(evidence(peaks[setting], levels[setting], aim) for setting in rank),
        ties=ties,
        next_best=evidence(peaks[beaten.setting], levels[beaten.setting], aim) if beaten else None,
        distance=1 - beaten.figures.throughput / choice.best.figures.throughput if beaten else None,
        caveats=tuple(caveats(best, steps, peaks, repeats, ties)),
    )


def priced(repeats: Iterable[Measurement], *, memory_mb: int) -> list[Candidate]:
    """The candidates of a route, each with what a busy instance of that size costs per million requests."""
    return candidates(repeats, cost=lambda _, throughput: busy(throughput, memory_mb).per_million, memory_mb=memory_mb)


def pooled_step(candidate: Candidate, steps: Iterable[Measurement]) -> Measurement:
    """The step of a candidate, its repeats in one."""
    return next(step for step in steps if (step.setting, step.users) == (candidate.setting, candidate.users))


def settings_to_set(setting: Setting, *, plan: str | None = None) -> dict[str, str | None]:
    """The app settings for a setting; on Flex Consumption without the process count, which is not valid there."""
    values: dict[str, str | None] = {THREADS: None if setting.thread_count is None else str(setting.thread_count)}
    values |= dict(setting.app_settings)
    return values if plan == "flex" else values | {PROCESSES: str(setting.process_count)}


def evidence(step: Measurement, candidate: Candidate, aim: Aim) -> Evidence:
    """A step as evidence, with what its repeats span."""
    p95 = percentile(step.latencies_us, 0.95)
    each = [figures.throughput for figures in candidate.repeats.values()]
    return Evidence(
        trial=step.trial,
        setting=step.setting,
        users=step.users,
        throughput=step.throughput,
        p95=None if p95 is None else p95 / 1e6,
        spread=seeded_spread(each, seed=aim.seed) if min(each) > 0 else None,
    )


def caveats(
    best: Measurement,
    steps: Sequence[Measurement],
    peaks: Mapping[Setting, Measurement],
    repeats: Sequence[Measurement],
    ties: Sequence[Setting],
) -> list[str]:
    """What weakens a recommendation, one sentence each."""
    found = []
    compared = [(peaks[setting].setting, peaks[setting].users) for setting in ties]
    counts = Counter((step.setting, step.users) for step in repeats)
    fewest = min(counts[one] for one in compared)
    if fewest == 1:
        found.append("Not every setting that may be the best was measured twice, so ties rest on single figures.")
    elif fewest < ENOUGH:
        found.append(f"From {plural(fewest, 'repeat')} a range is known and no interval; {ENOUGH} give one.")
    levels = sorted((step for step in steps if step.setting == best.setting), key=lambda step: step.users)
    # Within 5 % of an earlier level the curve is flat: then the last level is not a peak that was cut off.
    earlier = [step.throughput for step in levels if step.users < best.users]
    if best.users == levels[-1].users and all(value < (1 - SAME) * best.throughput for value in earlier):
        found.append(f"No peak up to {best.users} users, the most measured: more users may give more throughput.")
    off = littles_law.residual(best)
    if off is not None and off > littles_law.LIMIT:
        found.append(f"Little's law is off by {percent(off)} at the best step: measure it again.")
    failed = sum(step.error_ratio > ACCEPTED_ERRORS for step in steps)
    if failed:
        found.append(f"{failed} of {len(steps)} steps failed more than 1 % of their requests and were left out.")
    single = [peak for one, peak in peaks.items() if one.process_count == 1]
    if best.setting.process_count > 1 and single:
        there = max(single, key=lambda peak: peak.throughput)
        found.append(
            f"{PROCESSES} is not valid on Flex Consumption: there use {setting_in_words(there.setting)}, "
            f"which served {rate(there.throughput)} here, and let more instances do what processes do."
        )
    return found
