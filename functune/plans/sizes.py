"""
The instance sizes of the plans.

A name is the value of --size and of the template's parameter: the SKU of an App Service or Premium plan, the MB of an
instance of Flex Consumption, the cores of a replica of Container Apps. Those have 2 GiB of memory for each core. The
cores of Flex Consumption are the typical ones of its documentation.
"""

from collections.abc import Mapping
from typing import NamedTuple

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
DEFAULT_APP_SERVICE_SIZE = "B1"
DEFAULT_CONTAINER_APPS_SIZE = "0.5"
"""The defaults of the templates in infra/."""
