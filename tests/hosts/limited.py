"""Whether this machine lets the tests limit a host, and the control groups that processes are in."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from functune.errors import UsageError
from functune.hosts.control_groups import GroupPlaces, find_places
from functune.hosts.quota import require_quota
from functune.machine import own_places
from functune.shapes import shape_of


def require_control_groups(shape: str = "flex-512") -> GroupPlaces:
    """The places of control groups; the test is skipped where the kernel does not let us limit anything."""
    try:
        require_quota(shape_of(shape))
    except UsageError as error:
        pytest.skip(f"no control group can be made here: {error}")
    return find_places()


def groups_left(places: GroupPlaces, pid: int | None = None) -> list[Path]:
    """The groups of hosts that a process made and nobody removed."""
    pattern = f"functune-{os.getpid() if pid is None else pid}-*"
    return [each for place in dict.fromkeys(places) for each in place.glob(pattern)]


def group_names(pid: int) -> Iterator[str]:
    """The last names of the groups of a process, for the controllers that limit a host."""
    text = Path(f"/proc/{pid}/cgroup").read_text()
    yield from (path.rpartition("/")[2] for name, path in own_places(text) if name in ("", "cpu", "memory"))
