"""The judgement of a sweep of handlers of known limits."""

from pathlib import Path

from functune.analysis.verdict.reasons import limit_in_words
from tests.truth.experiments import SUITE, Group
from tests.truth.sweeping import found_limits

NEEDS_A_CORE = {"gil", "cores", "event_loop_busy", "host", "memory", "none"}
"""The kinds that other programs can hide: they take the cores that would show them."""


def groups_of_suite(*, is_shop: bool) -> list[Group]:
    """The groups that the suite sweeps: those of the shop, or of the other apps."""
    return [group for group in SUITE if (group.app == "shop") == is_shop]


async def require_right_limits(group: Group, folder: Path) -> None:
    """Sweep the routes of a group and fail where a wrong limit or line is named, or an unnecessary unknown is."""
    found = await found_limits(group.app, [group.experiment("suite", group.short)], folder)
    wrong = [str(each) for each in found if each.is_wrong]
    assert wrong == [], wrong
    unknown = [str(each) for each in found if each.limit.kind == "unknown" and each.known.kind not in NEEDS_A_CORE]
    assert unknown == [], unknown
    named = [each for each in found if each.limit.kind != "unknown"]
    misplaced = [str(each) for each in named if each.place != each.known.place and each.known.place is not None]
    assert misplaced == [], misplaced
    for each in named:
        assert each.known.place is None or f" at {each.known.place} in " in limit_in_words(each.limit)
