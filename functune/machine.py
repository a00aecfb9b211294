"""
The cores and the memory that this process may use: those of the machine, less what control groups take away.

A container, a scope of systemd or a batch system limits a process by the control group that it is in, or by one around
that. The least limit counts. Version 2 has one tree for all controllers, version 1 one for each. In a container, the
path of the own group may be one of the outside: then the top of the tree is the own group.

Source: Documentation/admin-guide/cgroup-v2.rst and cgroup-v1 of the Linux kernel.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

MOUNT = Path("/sys/fs/cgroup")
OWN_GROUPS = Path("/proc/self/cgroup")
NO_LIMIT = 2**62
"""Bytes: version 1 has the pages that a long can count where there is no limit."""


def lab_cores() -> float:
    """The cores that this process may use."""
    cores = float(os.process_cpu_count() or 1)
    return min(cores, cpu_quota() or cores)


def lab_memory_mb() -> int | None:
    """The memory that this process may use, MiB; None where the system does not say."""
    known = [each for each in (memory_mb(), memory_limit_mb()) if each is not None]
    return min(known, default=None)


def cpu_quota(mount: Path = MOUNT, own_groups: Path = OWN_GROUPS) -> float | None:
    """The cores that the control groups of this process allow; None for no limit."""
    return min(filter(None, map(quota_of, groups_around("cpu", mount, own_groups))), default=None)


def quota_of(group: Path) -> float | None:
    """Cores: ``200000 100000`` is two, ``max 100000`` is no limit. Version 1 has a file for each number."""
    if (group / "cpu.max").exists():
        quota, period = (group / "cpu.max").read_text().split()
        return None if quota == "max" else int(quota) / int(period)
    if (group / "cpu.cfs_quota_us").exists():
        quota, period = ((group / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
        return None if int(quota) < 0 else int(quota) / int(period)
    return None


def memory_mb() -> int | None:
    """Physical memory in MiB."""
    if sys.platform == "win32":
        return None
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20


def memory_limit_mb(mount: Path = MOUNT, own_groups: Path = OWN_GROUPS) -> int | None:
    """The memory that the control groups of this process allow, MiB; None for no limit."""
    return min(filter(None, map(limit_of, groups_around("memory", mount, own_groups))), default=None)


def limit_of(group: Path) -> int | None:
    """MiB; None for no limit."""
    for name in ("memory.max", "memory.limit_in_bytes"):
        if (group / name).exists():
            text = (group / name).read_text().strip()
            return None if text == "max" or int(text) >= NO_LIMIT else int(text) // 2**20
    return None


def groups_around(controller: str, mount: Path, own_groups: Path) -> Iterator[Path]:
    """The group of this process for a controller, and those around it; none without control groups."""
    if not own_groups.exists():
        return
    own = dict(own_places(own_groups.read_text()))
    tree = mount if is_version2(mount) else version1_tree(mount, controller)
    if tree is None:
        return
    here = place_in(tree, own.get("" if tree == mount else controller, "/"))
    yield here
    while here != tree:
        here = here.parent
        yield here


def is_version2(mount: Path) -> bool:
    """Whether the control groups are version 2: with both, the controllers are in version 1."""
    return (mount / "cgroup.controllers").exists()


def own_places(text: str) -> Iterator[tuple[str, str]]:
    """The groups of this process by controller; "" is that of version 2. ``4:memory:/docker/abc``."""
    for line in text.splitlines():
        _, controllers, path = line.split(":", 2)
        yield from ((controller, path) for controller in controllers.split(","))


def version1_tree(mount: Path, controller: str) -> Path | None:
    """The tree of a controller; None where there is none."""
    return next((path for path in sorted(mount.glob("*")) if controller in path.name.split(",")), None)


def place_in(tree: Path, own: str) -> Path:
    """The folder of a group; the top of the tree for a path of the outside of a container."""
    place = tree / own.lstrip("/")
    return place if ".." not in place.parts and place.is_dir() else tree
