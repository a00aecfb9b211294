"""
The shapes of an instance on each plan: the one table of their cores and memory.

A size has the name that its plan gives it: the memory of Flex Consumption, the SKU of Premium and of an App Service
plan, the cores of a replica of Container Apps, which have 2 GiB of memory for each core. A shape has a name of its own
among those of all plans, as experiments take it: ``flex-512``, ``EP1``, ``B1``, ``aca-0.5``.
"""

from collections.abc import Mapping
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

from functune.formatting import plural

MB_PER_GIB = 1024


class InstanceSize(NamedTuple):
    """One size of an instance."""

    name: str
    cores: float
    memory_mb: int


def sizes_by_name(*sizes: tuple[str, float, float]) -> Mapping[str, InstanceSize]:
    """Sizes from name, cores and memory in GiB."""
    return {name: InstanceSize(name, cores, int(memory * MB_PER_GIB)) for name, cores, memory in sizes}


FLEX_SIZES = sizes_by_name(("512", 0.25, 0.5), ("2048", 1, 2), ("4096", 2, 4))
PREMIUM_SIZES = sizes_by_name(("EP1", 1, 3.5), ("EP2", 2, 7), ("EP3", 4, 14))
APP_SERVICE_SIZES = sizes_by_name(("B1", 1, 1.75), ("S1", 1, 1.75), ("P0v3", 1, 4), ("P1v3", 2, 8), ("I1v2", 2, 8))
CONTAINER_APPS_SIZES = sizes_by_name(*((f"{quarters / 4:g}", quarters / 4, quarters / 2) for quarters in range(1, 17)))
DEFAULT_MAXIMUM_INSTANCES = 100
"""On-demand instances of a group on Flex Consumption by default (Learn, event-driven scaling)."""
DEFAULT_APP_SERVICE_SIZE = "B1"
DEFAULT_CONTAINER_APPS_SIZE = "0.5"
"""The defaults of the templates in infra/."""
INSTANCE_MEMORY_MB = tuple(size.memory_mb for size in FLEX_SIZES.values())
"""The instance sizes of Flex Consumption, MB."""


class OwnShape(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A shape that no plan has, as an experiment file writes it."""

    cores: Annotated[float, Meta(ge=0.01, le=1024)]
    """Cores that front and workers have together."""
    memory_mb: Annotated[int, Meta(ge=16)]
    """Their memory in MB."""


class InstanceShape(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The cores and the memory that front and workers of a host have together."""

    name: str = ""
    """One of INSTANCE_SHAPES; empty for a shape that no plan has."""
    cores: float
    memory_mb: int

    @property
    def plan(self) -> str | None:
        """The plan that has it; None for a shape that no plan has."""
        return INSTANCE_SHAPES[self.name].plan if self.name in INSTANCE_SHAPES else None

    @property
    def size(self) -> str | None:
        """The name of its size on that plan."""
        return INSTANCE_SHAPES[self.name].size.name if self.name in INSTANCE_SHAPES else None

    def __str__(self) -> str:
        return self.name or f"{cores_in_words(self.cores)} with {self.memory_mb:,} MB"


def flex_shape(memory_mb: int) -> InstanceShape | None:
    """The shape of Flex Consumption with this memory; None for a memory that it does not have."""
    return shape_of(f"flex-{memory_mb}") if memory_mb in INSTANCE_MEMORY_MB else None


class PlanShape(NamedTuple):
    """A size of a plan under the name of its shape."""

    plan: str
    size: InstanceSize


INSTANCE_SHAPES: Mapping[str, PlanShape] = {
    f"{prefix}{size.name}": PlanShape(plan, size)
    for plan, prefix, sizes in (
        ("flex", "flex-", FLEX_SIZES),
        ("premium", "", PREMIUM_SIZES),
        ("app-service", "", APP_SERVICE_SIZES),
        ("container-apps", "aca-", CONTAINER_APPS_SIZES),
    )
    for size in sizes.values()
}
"""The shapes of all plans by name. The plans are those of plans/registry.py."""


def shape_of(value: str | OwnShape) -> InstanceShape:
    """The shape that a value of an experiment file names or describes. Raises KeyError for an unknown name."""
    if isinstance(value, OwnShape):
        return InstanceShape(cores=value.cores, memory_mb=value.memory_mb)
    size = INSTANCE_SHAPES[value].size
    return InstanceShape(name=value, cores=size.cores, memory_mb=size.memory_mb)


def cores_in_words(cores: float) -> str:
    """``1 core``, ``0.5 cores``."""
    return plural(int(cores), "core") if cores == int(cores) else f"{cores:g} cores"
