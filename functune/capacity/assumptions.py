"""
How the platforms add and remove instances, as far as it is known: one table, each row with its source.

A row that no source of Microsoft's states, or that sources dispute, is not confirmed: [U] in texts. ``functune plan
--assume NAME=VALUE`` replaces a value.
"""

import math
from collections.abc import Iterable, Mapping

import msgspec

from functune.errors import UsageError
from functune.formatting import joined
from functune.shapes import DEFAULT_MAXIMUM_INSTANCES


class Assumption(msgspec.Struct, frozen=True, kw_only=True):
    """One rule of a platform, with its number."""

    name: str
    value: float
    rule: str
    """A sentence in which {} or {0} stands for the number."""
    source: str
    confirmed: bool
    is_count: bool = False
    """Whether it is a number of instances that there can be, and so a whole one."""

    @property
    def in_words(self) -> str:
        """The rule with its number, its source, and whether it is confirmed."""
        return f"{self.sentence}{'' if self.confirmed else ' [U]'} ({self.source})"

    @property
    def sentence(self) -> str:
        """The rule with its number."""
        return self.rule.format(f"{self.value:,g}")


class Assumptions(msgspec.Struct, frozen=True):
    """The rules by name."""

    by_name: Mapping[str, Assumption]

    def __getitem__(self, name: str) -> float:
        """The number of a rule."""
        return self.by_name[name].value


def assumption(
    name: str, value: float, rule: str, source: str, *, confirmed: bool, is_count: bool = False
) -> Assumption:
    """One row."""
    return Assumption(name=name, value=value, rule=rule, source=source, confirmed=confirmed, is_count=is_count)


MOST_INSTANCES = 1_000
"""The most instances that any plan has; of most plans and sizes it is fewer."""
APP_SERVICE_MOST = {"B1": 3, "S1": 10}
"""The most instances of the sizes of App Service that have fewer than the others."""
SHORTEST_START, LONGEST_START = "cold-start-least", "cold-start-most"
"""The rules whose numbers --cold-start gives, too."""
ROWS: tuple[Assumption, ...] = (
    assumption(
        SHORTEST_START,
        1.0,
        "A start of an instance takes at least {} s.",
        "reports of 0.4 to 10 s on Flex Consumption, azure-functions-host issue 11526 and others",
        confirmed=False,
    ),
    assumption(
        LONGEST_START,
        5.0,
        "A start of an instance takes at most {} s.",
        "the same reports; it depends on the packages of the app",
        confirmed=False,
    ),
    assumption(
        "flex-idle",
        30.0,
        "Flex Consumption removes an instance {} s after its last request.",
        "azure-functions-host issue 10706, January 2025",
        confirmed=False,
    ),
    assumption(
        "flex-scale-out",
        17.0,
        "Flex Consumption starts up to {} instances a second.",
        "1,000 instances in under a minute, Microsoft's blog, June 2024; the scale curve itself is not published",
        confirmed=False,
    ),
    assumption(
        "flex-most",
        DEFAULT_MAXIMUM_INSTANCES,
        "Flex Consumption starts at most {} on-demand instances of a group.",
        "Learn, event-driven scaling, 2026-08-03: the default of maximumInstanceCount, which may be up to 1,000",
        confirmed=True,
        is_count=True,
    ),
    assumption(
        "premium-scale-out",
        1.0,
        "Premium adds at most {} instance a second for HTTP.",
        "Learn, event-driven scaling",
        confirmed=True,
    ),
    assumption(
        "premium-fill",
        0.7,
        "Premium adds an instance where the others would serve more than {} of their capacity.",
        "the scale controller's heuristics are not published",
        confirmed=False,
    ),
    assumption(
        "premium-idle",
        600.0,
        "Premium keeps an instance for {} s after it was last needed.",
        "not published",
        confirmed=False,
    ),
    assumption(
        "premium-most",
        20.0,
        "Premium has at most {} instances.",
        "Learn, functions-scale: 20 to 100 on Linux, by region",
        confirmed=True,
        is_count=True,
    ),
    assumption(
        "container-apps-interval",
        15.0,
        "Every {0} s, Container Apps looks at the requests of the last {0} s.",
        "Learn, scale-app, 2026-05-19; azure-container-apps issue 1167 disputes it",
        confirmed=False,
    ),
    assumption(
        "container-apps-fill",
        0.7,
        "concurrentRequests is set to {} of what a replica serves a second.",
        "the rule is documented as a rate; azure-container-apps issues 1167 and 831 dispute it",
        confirmed=False,
    ),
    assumption(
        "container-apps-idle",
        300.0,
        "Container Apps keeps a replica for {} s after it was last needed.",
        "Learn, scale-app: the cool-down period",
        confirmed=True,
    ),
    assumption(
        "container-apps-most",
        10.0,
        "Container Apps starts at most {} replicas.",
        "Learn, scale-app: the default of maxReplicas, which may be up to 1,000",
        confirmed=True,
        is_count=True,
    ),
    assumption(
        "app-service-most",
        30.0,
        "App Service has at most {} instances; "
        f"{joined([f'{size} has {most}' for size, most in APP_SERVICE_MOST.items()])}.",
        "Learn, functions-scale: 10 to 30 on Dedicated plans; the numbers of B1 and S1 from the limits of App Service",
        confirmed=True,
        is_count=True,
    ),
)


def assumptions(changes: Iterable[tuple[str, float]] = ()) -> Assumptions:
    """
    The rules with some numbers changed.

    Raises UsageError for a name that there is not, a number that the rule cannot have, and a shortest start above the
    longest.
    """
    found = {row.name: row for row in ROWS}
    for name, value in changes:
        if name not in found:
            raise UsageError(f"--assume {name}: there is no such assumption: allowed are {', '.join(found)}")
        if not 0 < value < math.inf:
            raise UsageError(f"--assume {name}={value:g}: allowed are numbers above 0")
        if found[name].is_count and value not in range(1, MOST_INSTANCES + 1):
            raise UsageError(
                f"--assume {name}={value:g}: allowed are whole numbers of instances from 1 to {MOST_INSTANCES:,}"
            )
        found[name] = msgspec.structs.replace(
            found[name], value=value, source="as asked, in place of the project's number", confirmed=True
        )
    least, most = found[SHORTEST_START].value, found[LONGEST_START].value
    if least > most:
        raise UsageError(
            f"the shortest start of an instance, {least:g} s, is above the longest, {most:g} s: give both in ascending "
            f"order, by --cold-start LEAST MOST or by --assume {SHORTEST_START} and {LONGEST_START}"
        )
    return Assumptions(found)
