"""
Which setting to use for a route, why, and how sure that is.

The rule: a setting counts with the throughput of its best step; settings within 5 % of the fastest are tied; among the
tied the simplest wins, which is the one with the fewest processes, then the fewest threads.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

import msgspec

from functune.analysis import littles_law
from functune.analysis.bounds import demand
from functune.analysis.diagnosis import SAME, Case, reason
from functune.analysis.formatting import percent, rate
from functune.analysis.formatting import setting as setting_in_words
from functune.analysis.statistics import percentile
from functune.analysis.strategies import ACCEPTED_ERRORS, simplicity
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


class Recommendation(msgspec.Struct, frozen=True, kw_only=True):
    """The setting to use for one route."""

    route: str
    setting: Setting
    settings_to_set: dict[str, str | None]
    """App settings, as local.settings.json and ``az functionapp config appsettings set`` take them; None is unset."""
    reason: str
    evidence: tuple[Evidence, ...]
    """Every candidate's best step, the recommended setting's first, then by throughput."""
    ties: tuple[Setting, ...]
    """The settings within 5 % of the fastest, simplest first; the recommended one is the first of them."""
    next_best: Evidence | None
    """The fastest setting that is not tied; None when all are."""
    distance: float | None
    """How far the next best is below the fastest, relative: 0.2 is 20 % less throughput."""
    caveats: tuple[str, ...]
    """What the reader should know before relying on it."""

    @property
    def best(self) -> Evidence:
        """The recommended setting's best step."""
        return self.evidence[0]


def recommend(
    route: str, measurements: Iterable[Measurement], *, cores: float | None = None, plan: str | None = None
) -> Recommendation | None:
    """
    The recommendation for a route, from one repeat of each step; None when no step is a candidate.

    ``plan`` "flex" leaves out every setting with several processes: FUNCTIONS_WORKER_PROCESS_COUNT is documented as not
    valid on Flex Consumption. ``cores`` is the machine's, None when unknown.
    """
    steps = [step for step in measurements if step.route == route]
    if plan == "flex":
        steps = [step for step in steps if step.setting.process_count == 1]
    peaks = best_steps(steps)
    if not peaks:
        return None
    ties = tied(peaks)
    best = peaks[ties[0]]
    others = sorted((peak for peak in peaks.values() if peak is not best), key=lambda peak: -peak.throughput)
    beaten = [peak for peak in others if peak.setting not in ties]
    fastest = max(peak.throughput for peak in peaks.values())
    case = Case(best=best, peaks=peaks, steps=steps, demand=demand(steps), cores=cores)
    return Recommendation(
        route=route,
        setting=best.setting,
        settings_to_set=settings_to_set(best.setting, plan=plan),
        reason=reason(case),
        evidence=tuple(evidence(peak) for peak in [best, *others]),
        ties=ties,
        next_best=evidence(beaten[0]) if beaten else None,
        distance=1 - beaten[0].throughput / fastest if beaten else None,
        caveats=tuple(caveats(best, steps, peaks)),
    )


def best_steps(steps: Iterable[Measurement]) -> dict[Setting, Measurement]:
    """Of each setting the step with the most throughput, among those that worked; the fewest users where equal."""
    candidates = sorted(
        (step for step in steps if step.latencies_us and step.error_ratio <= ACCEPTED_ERRORS),
        key=lambda step: (simplicity(step.setting), -step.throughput, step.users),
    )
    return {setting: next(group) for setting, group in groupby(candidates, key=lambda step: step.setting)}


def tied(peaks: Mapping[Setting, Measurement]) -> tuple[Setting, ...]:
    """The settings within 5 % of the fastest, simplest first."""
    fastest = max(peak.throughput for peak in peaks.values())
    return tuple(
        sorted(
            (setting for setting, peak in peaks.items() if peak.throughput >= (1 - SAME) * fastest),
            key=simplicity,
        )
    )


def settings_to_set(setting: Setting, *, plan: str | None = None) -> dict[str, str | None]:
    """The app settings for a setting; on Flex Consumption without the process count, which is not valid there."""
    values: dict[str, str | None] = {THREADS: None if setting.thread_count is None else str(setting.thread_count)}
    values |= dict(setting.app_settings)
    return values if plan == "flex" else values | {PROCESSES: str(setting.process_count)}


def evidence(step: Measurement) -> Evidence:
    """A step as evidence."""
    p95 = percentile(step.latencies_us, 0.95)
    return Evidence(
        trial=step.trial,
        setting=step.setting,
        users=step.users,
        throughput=step.throughput,
        p95=None if p95 is None else p95 / 1e6,
    )


def caveats(best: Measurement, steps: Sequence[Measurement], peaks: Mapping[Setting, Measurement]) -> list[str]:
    """What weakens a recommendation, one sentence each."""
    found = ["Each step was measured once, so no figure carries an interval across repeats."]
    levels = sorted((step for step in steps if step.setting == best.setting), key=lambda step: step.users)
    # Within 5 % of an earlier level the curve is flat: then the last level is not a peak that was cut off.
    earlier = [step.throughput for step in levels if step.users < best.users]
    if best.users == levels[-1].users and all(value < (1 - SAME) * best.throughput for value in earlier):
        found.append(f"No peak up to {best.users} users, the most measured: more users may give more throughput.")
    off = littles_law.residual(best)
    if off is not None and off > littles_law.LIMIT:
        found.append(f"Little's law is off by {percent(off)} at the best step: measure it again.")
    measured = {setting: {step.users for step in steps if step.setting == setting} for setting in peaks}
    if len(set(map(frozenset, measured.values()))) > 1:
        found.append("Not every setting was measured at every number of users, so the comparison is incomplete.")
    failed = sum(step.error_ratio > ACCEPTED_ERRORS for step in steps)
    if failed:
        found.append(f"{failed} of {len(steps)} steps failed more than 1 % of their requests and were left out.")
    single = {one: peak for one, peak in peaks.items() if one.process_count == 1}
    if best.setting.process_count > 1 and single:
        there = single[tied(single)[0]]
        found.append(
            f"{PROCESSES} is not valid on Flex Consumption: there use {setting_in_words(there.setting)}, "
            f"which served {rate(there.throughput)} here, and let more instances do what processes do."
        )
    return found
