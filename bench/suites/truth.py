"""
The limits that are named for handlers of known truth, and their lines.

All handlers of tests/truth are swept with real load. A wrong name is worse than none, so unknown limits are counted
apart.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import bounds
from bench.figure import Figure, NotMeasuredError
from tests.truth.experiments import GROUPS, short_experiments
from tests.truth.sweeping import Found, found_limits, partner


async def truth() -> AsyncIterator[Figure]:
    """Limits of handlers of known truth: wrong names, exact lines, and those that stay unknown."""
    every: list[Found] = []
    with partner():
        for app in dict.fromkeys(group.app for group in GROUPS):
            with TemporaryDirectory(prefix="functune-bench-") as folder:
                found = await found_limits(app, short_experiments(app), Path(folder))
            yield Figure(bounds.WRONG_LIMITS, (sum(each.is_wrong for each in found),), case=app, detail=odd_ones(found))
            every += found
    lines = [each for each in every if each.known.place is not None and each.limit.kind != "unknown"]
    if not lines:
        raise NotMeasuredError("no limit was named whose reason is a line")
    exact = sum(each.place == each.known.place for each in lines)
    yield Figure(bounds.EXACT_LINES, (exact / len(lines),), detail=f"{exact} of {len(lines)} lines")
    named = sum(each.limit.kind != "unknown" for each in every)
    yield Figure(bounds.NAMED_LIMITS, (named / len(every),), detail=f"{named} of {len(every)} handlers")


def odd_ones(found: list[Found]) -> str:
    """The handlers whose limit or line is not the known one."""
    return "; ".join(
        str(each) for each in found if each.limit.kind != each.known.kind or each.known.place not in (None, each.place)
    )
