"""
The limits of handlers of known truth, named by a sweep with real load.

The suite sweeps a handler or two of every kind. All handlers of the apps are swept by ``python -m bench truth``.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from functune.analysis.verdict.limit import LimitKind
from functune.analysis.verdict.reasons import limit_in_words
from tests.truth.experiments import GROUPS, groups_of, routes, suite_experiments
from tests.truth.known import known_limits
from tests.truth.sweeping import found_limits, partner

CODE = {"threads", "gil", "cores", "event_loop_blocked", "event_loop_busy", "lock", "pool", "downstream"}
"""The kinds whose reason is a line of the code."""
NEEDS_A_CORE = {"gil", "cores", "event_loop_busy", "host", "memory"}
"""The kinds that other programs can hide: they take the cores that would show them."""


@pytest.fixture(scope="module", autouse=True)
def called_api() -> Iterator[None]:
    with partner():
        yield


@pytest.mark.parametrize("app", ["shop", "booking", "limited", "gallery"])
async def test_limit_is_named_with_its_line_or_unknown(app: str, tmp_path: Path) -> None:
    found = await found_limits(app, suite_experiments(app), tmp_path)
    assert [str(each) for each in found if each.is_wrong] == []
    unknown = [each for each in found if each.limit.kind == "unknown" and each.known.kind not in NEEDS_A_CORE]
    assert list(map(str, unknown)) == []
    named = [each for each in found if each.known.place is not None and each.limit.kind != "unknown"]
    exact = [each for each in named if each.place == each.known.place]
    assert len(exact) >= 0.9 * len(named), [str(each) for each in named if each not in exact]
    for each in exact:
        assert f"{each.known.place} in " in limit_in_words(each.limit)


def test_every_kind_that_one_machine_can_show_has_two_handlers_or_more_and_the_line_where_code_is_the_reason() -> None:
    known = [each for app in dict.fromkeys(group.app for group in GROUPS) for each in known_limits(app).values()]
    kinds = [each.kind for each in known]
    # A generator that is too slow is one of the machine: see the tests of the rules.
    assert {kind for kind in get_args(LimitKind.__value__) if kinds.count(kind) < 2} == {"generator", "unknown"}
    assert {each.kind for each in known if each.place is not None} == CODE
    assert sum(each.place is not None for each in known) >= 24


def test_suite_sweeps_every_kind() -> None:
    swept = [known_limits(group.app)[route].kind for group in GROUPS for route in routes(group.tested)]
    every = {each.kind for group in GROUPS for each in known_limits(group.app).values()}
    assert set(swept) == every
    assert all(groups_of(group.app) for group in GROUPS)
