"""
The rules by which the limit of a subject is found: the first one that fits names it.

Each rests on something physical: there is one event loop per worker process, one GIL per process, T threads serve T
calls at a time, and a pool of a process doubles with the processes while a server behind it does not. Where no rule
fits the limit is unknown, and the reason says why: a wrong name would be worse. The thresholds lie in the middle of
gaps that were seen between handlers of known limits; tests/truth has such handlers.
"""

from collections.abc import Callable, Iterable

from functune.analysis.numbers.hot_lines import SubjectProfile
from functune.analysis.numbers.levels import Level
from functune.analysis.verdict.limit import Limit, unknown_limit
from functune.analysis.verdict.limit_around import (
    admission_limit,
    failed_answers_limit,
    generator_limit,
    host_limit,
    instance_limit,
    memory_limit,
    too_little_known,
)
from functune.analysis.verdict.limit_computing import cpu_limit, loop_limit, offloaded_limit
from functune.analysis.verdict.limit_evidence import LimitEvidence, evidence_of
from functune.analysis.verdict.limit_waiting import open_limit, waiting_limit

LIMIT_RULES: tuple[Callable[[LimitEvidence], Limit | None], ...] = (
    too_little_known,
    memory_limit,
    generator_limit,
    instance_limit,
    admission_limit,
    loop_limit,
    host_limit,
    cpu_limit,
    offloaded_limit,
    open_limit,
    waiting_limit,
)


def find_limit(
    levels: Iterable[Level],
    *,
    cores: float | None = None,
    profile: SubjectProfile | None = None,
    memory_mb: int | None = None,
) -> Limit:
    """
    The limit of a subject from its closed-loop levels on one instance size, those that do not count included.

    ``cores`` is the machine's, None when unknown; ``memory_mb`` that of an instance, None where none was asked for.
    """
    every = list(levels)
    evidence = evidence_of(every, cores=cores, profile=profile, memory_mb=memory_mb)
    if evidence is None:
        return limit_without_steps(every)
    found = (rule(evidence) for rule in LIMIT_RULES)
    return next((limit for limit in found if limit is not None), unknown_limit("No rule fits its figures."))


def limit_without_steps(levels: Iterable[Level]) -> Limit:
    """The limit where no step worked: unknown, with the failures where some were counted."""
    failed = next((level for level in levels if level.counts and level.figures.failed), None)
    if failed is not None:
        return failed_answers_limit(failed)
    return unknown_limit("No step worked.")
