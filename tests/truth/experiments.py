"""The experiments that show the limits of the apps: short ones for the tests, whole grids for the benchmark."""

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import msgspec

from functune.experiments.model import Experiment, Load, Matrix, Workload
from tests.truth.known import known_limits

GRID = Matrix(thread_count=(1, 16), process_count=(1, 2))
"""What a reader would try first; the short experiments have the part of it that shows their limit."""
ONE = Matrix(thread_count=(16,), process_count=(1,))
SHORT = Load(users=(1,), warm_up=0.3, measure=1, search="grid")


class Group(NamedTuple):
    """Routes of an app that one experiment measures."""

    app: str
    names: str
    """The routes below ``/api/``, separated by spaces."""
    short: Matrix = ONE
    whole: Matrix = GRID
    users: tuple[int, ...] = (1, 16)
    memory_mb: int | None = None

    def experiment(self, name: str, settings: Matrix) -> Experiment:
        """An experiment of the group."""
        return Experiment(
            name=name,
            question="What limits these handlers?",
            workload=Workload(routes=routes(self.names)),
            settings=settings,
            load=msgspec.structs.replace(SHORT, users=self.users),
            memory_mb=self.memory_mb,
        )


FEW = Matrix(thread_count=(4,), process_count=(1,))
PROCESSES = Matrix(thread_count=(16,), process_count=(1, 2))
GROUPS = (
    Group("shop", "search suppliers", short=FEW),
    Group("shop", "prices invoice statement checksum archive"),
    Group("shop", "reserve audit ledger journal"),
    Group("shop", "charge orders rates ping shipping"),
    Group("shop", "stock-level", short=PROCESSES),
    Group("booking", "availability token itinerary passport"),
    Group("booking", "seat agencies slots ticket"),
    Group("booking", "news weather health"),
    Group("booking", "fares loyalty", short=PROCESSES),
    Group("depot", "label forecast digest manifest"),
    Group("depot", "tracking", short=PROCESSES),
    Group("limited", "upload submit"),
    Group(
        "gallery",
        "resize",
        short=Matrix(thread_count=(1, 16), process_count=(1,)),
        memory_mb=512,
    ),
    Group(
        "gallery",
        "classify",
        short=Matrix(thread_count=(2,), process_count=(1, 2)),
        whole=Matrix(thread_count=(1, 2), process_count=(1, 2)),
        memory_mb=512,
    ),
    Group("web", "report rate", users=(1, 64)),
)


SUITE = (
    Group("shop", "search", short=FEW),
    Group("shop", "reserve orders prices checksum"),
    Group("shop", "stock-level", short=PROCESSES),
    Group("booking", "availability itinerary"),
    Group("booking", "weather health"),
    Group("depot", "label"),
    Group("limited", "upload"),
    Group("gallery", "resize", short=Matrix(thread_count=(4, 16), process_count=(1,)), memory_mb=512),
)
"""What the test suite sweeps: a handler or two of every kind. Routes of one group share a host."""


def short_experiments(app: str) -> list[Experiment]:
    """The experiments that show the limits of an app within seconds a route."""
    return [group.experiment(f"group-{n}", group.short) for n, group in enumerate(groups_of(app))]


def whole_experiments(app: str) -> list[Experiment]:
    """The experiments with every setting that a reader would try."""
    return [group.experiment(f"group-{n}", group.whole) for n, group in enumerate(groups_of(app))]


def groups_of(app: str) -> Sequence[Group]:
    """The groups of an app. Raises ValueError where they do not have exactly the routes whose limits are known."""
    groups = [group for group in GROUPS if group.app == app]
    measured = sorted(chain.from_iterable(routes(group.names) for group in groups))
    if measured != sorted(known_limits(app)):
        raise ValueError(f"{app}: {measured} are measured, the limits of {sorted(known_limits(app))} are known")
    return groups


def routes(names: str) -> tuple[str, ...]:
    """The routes of some names."""
    return tuple(f"/api/{name}" for name in names.split())
