"""
The handlers of known limits: enough of every kind, and marked at lines that are the reason.

The suite sweeps a handler or two of every kind. All of them are swept by ``python -m bench truth``.
"""

from typing import get_args

from functune.analysis.verdict.limit import LimitKind
from tests.truth.experiments import GROUPS, SUITE, groups_of, routes
from tests.truth.known import known_limits

KNOWN = [limit for app in dict.fromkeys(group.app for group in GROUPS) for limit in known_limits(app).values()]
CODE = {"threads", "gil", "cores", "event_loop_blocked", "event_loop_busy", "lock", "pool", "downstream"}
"""The kinds whose reason is a line of the code."""


def test_every_kind_that_one_machine_can_show_has_two_handlers_or_more() -> None:
    kinds = [each.kind for each in KNOWN]
    # A load generator that is too slow depends on the machine: the tests of the rules have it. An instance with too few
    # cores needs a quota of the kernel: the tests of instance sizes have it.
    rest = {"generator", "instance", "unknown"}
    assert {kind for kind in get_args(LimitKind.__value__) if kinds.count(kind) < 2} == rest


def test_line_is_marked_where_code_is_the_reason() -> None:
    assert {each.kind for each in KNOWN if each.place is not None} == CODE
    assert {each.kind for each in KNOWN if each.place is None}.isdisjoint(CODE)
    assert sum(each.place is not None for each in KNOWN) >= 24


def test_suite_sweeps_every_kind_of_routes_that_are_known() -> None:
    swept = {known_limits(group.app)[route].kind for group in SUITE for route in routes(group.names)}
    assert swept == {each.kind for each in KNOWN}
    for group in GROUPS:
        assert groups_of(group.app)
